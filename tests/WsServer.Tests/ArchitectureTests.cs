using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using FluentAssertions;
using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests;

/// <summary>Holds the roads of <c>docs/architecture.md</c> one-way, and the public surface as it was agreed.</summary>
public partial class ArchitectureTests
{
    private const string AcceptVariable = "ACCEPT_PUBLIC_API";

    private static readonly string TestFolder = Path.GetDirectoryName(ThisFile())!;
    private static readonly string CoreFolder = SourcesOf("WsServer.Core");
    private static readonly string SocketIOFolder = SourcesOf("WsServer.SocketIO");

    // Below the root types, which are everybody's words: what each folder may not know.
    public static TheoryData<string, string[]> Forbidden => new()
    {
        { "Wire", ["Cluster", "Access", "Connections", "Rooms", "Dispatch", "Hosting", "Backplane", "Diagnostics", "Recovery"] },
        { "Rooms", ["Cluster", "Access", "Wire", "Connections", "Dispatch", "Hosting", "Backplane", "Diagnostics", "Recovery"] },
        { "Connections", ["Cluster", "Access", "Rooms", "Dispatch", "Hosting", "Backplane", "Recovery"] },
        { "Access", ["Cluster", "Wire", "Connections", "Rooms", "Dispatch", "Hosting", "Backplane", "Recovery", "Limits"] },
        { "Recovery", ["Cluster", "Connections", "Rooms", "Dispatch", "Hosting", "Backplane"] },
        { "Limits", ["Cluster", "Access", "Wire", "Connections", "Rooms", "Dispatch", "Hosting", "Backplane", "Recovery"] },
        { "Dispatch", ["Hosting", "Backplane"] },
        { "Polling", ["Cluster", "Access", "Wire", "Connections", "Rooms", "Dispatch", "Hosting", "Backplane", "Recovery", "Limits"] },
        { "Backplane", ["Cluster", "Wire", "Diagnostics", "Access", "Connections", "Rooms", "Dispatch", "Hosting", "Recovery"] },
        { "Cluster", ["Hosting", "Connections"] },
        { "Presence", ["Access", "Connections", "Dispatch", "Hosting", "Backplane", "Recovery", "Limits"] },
        { "Diagnostics", ["Cluster", "Access", "Wire", "Connections", "Rooms", "Dispatch", "Hosting", "Backplane", "Recovery", "Limits"] },
        { "", ["Hosting"] },
    };

    // The root types that stand on both roads and so are none of the lower folders' business.
    public static TheoryData<string> LowerFolders => new("Wire", "Rooms", "Connections", "Diagnostics");

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void A_folder_knows_only_those_before_it_on_the_road(string folder, string[] unknown)
    {
        foreach ((string file, string code) in Sources(folder))
        {
            foreach (string other in unknown)
            {
                code.Should().NotMatchRegex($@"\b(using\s+WsServer\.{other}\b|WsServer\.{other}\.|(?<!\.)\b{other}\.[A-Z])", $"{file} is not to know {other}");
            }
        }

        foreach (Type type in Types(folder))
        {
            References(type).Select(FolderOf).Should().NotContain(f => unknown.Contains(f), $"{type} is not to know them");
        }
    }

    [Theory]
    [MemberData(nameof(LowerFolders))]
    public void Below_the_dispatch_nobody_knows_sockets_and_namespaces(string folder)
    {
        foreach ((string file, string code) in Sources(folder))
        {
            Documentation().Replace(code, "").Should().NotMatchRegex(
                @"\b(EventSocket|EventNamespace|EventServer|EventRuntime|EventHandlers|EventContext|(?<!\.)Session(?=\s+\w|[>(?])|SocketLife|Broadcast|Audience)\b", $"{file} is below them");
        }
    }

    [Fact]
    public void Rooms_know_nothing_but_themselves()
    {
        foreach (Type type in Types("Rooms"))
        {
            References(type).Where(t => t.Assembly == typeof(EventServer).Assembly).Select(FolderOf).Should().OnlyContain(f => f == "Rooms", $"{type} is a data structure");
        }
    }

    [Fact]
    public void Only_the_hosting_knows_how_requests_are_routed()
    {
        foreach ((string file, string code) in Directory.GetFiles(CoreFolder, "*.cs", SearchOption.AllDirectories)
            .Where(f => !IsGenerated(f) && !f.Contains("/Hosting/", StringComparison.Ordinal)).Select(f => (f, File.ReadAllText(f))))
        {
            code.Should().NotMatchRegex(@"Microsoft\.AspNetCore\.(Builder|Routing)", $"{file} is not of the hosting");
        }
    }

    [Theory]
    [InlineData("WsServer.SocketIO")]
    [InlineData("WsServer.RabbitMQ")]
    public void Another_protocol_and_another_engine_live_of_what_everybody_can_use(string assembly)
    {
        typeof(EventServer).Assembly.GetCustomAttributes<InternalsVisibleToAttribute>().Should().NotContain(a => a.AssemblyName.StartsWith(assembly, StringComparison.Ordinal));
        typeof(EventServer).Assembly.GetReferencedAssemblies().Should().NotContain(a => a.Name == assembly);
    }

    [Fact]
    public void The_wire_of_Socket_IO_knows_neither_connections_nor_requests()
    {
        foreach ((string file, string code) in Sources("Wire", SocketIOFolder))
        {
            code.Should().NotMatchRegex(@"WsServer\.SocketIO\.(Engine|Hosting)|Microsoft\.AspNetCore|\b(ITransport|EventServer|EventSocket)\b", $"{file} turns bytes into packets and back");
        }
    }

    [Theory]
    [InlineData("WsServer.Core")]
    [InlineData("WsServer.RabbitMQ")]
    [InlineData("WsServer.SocketIO")]
    public void The_public_surface_is_the_one_agreed_on(string assembly)
    {
        string file = Path.Combine(TestFolder, $"PublicApi.{assembly}.txt");
        string now = PublicApi.Describe(Assembly.Load(assembly));
        if (Environment.GetEnvironmentVariable(AcceptVariable) == "1")
        {
            File.WriteAllText(file, now);
        }

        string agreed = File.Exists(file) ? File.ReadAllText(file) : "";
        string[] added = [.. now.Split('\n').Except(agreed.Split('\n'))];
        string[] removed = [.. agreed.Split('\n').Except(now.Split('\n'))];
        (added.Length + removed.Length).Should().Be(
            0,
            "the public surface of {0} is recorded in {1}. If the change is meant, run this test once with {2}=1 and commit the file.\nAdded:\n{3}\nRemoved:\n{4}",
            assembly,
            Path.GetFileName(file),
            AcceptVariable,
            string.Join('\n', added),
            string.Join('\n', removed));
    }

    [GeneratedRegex(@"^\s*///.*$", RegexOptions.Multiline)]
    private static partial Regex Documentation();

    private static string ThisFile([CallerFilePath] string path = "") => path;

    private static string SourcesOf(string assembly) => Path.GetFullPath(Path.Combine(TestFolder, "../../src", assembly));

    private static bool IsGenerated(string file) => file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal);

    private static List<(string File, string Code)> Sources(string folder, string? assemblyFolder = null)
    {
        List<(string, string)> sources = [.. Directory.GetFiles(Path.Combine(assemblyFolder ?? CoreFolder, folder), "*.cs").Select(f => (Path.GetFileName(f), File.ReadAllText(f)))];
        sources.Should().NotBeEmpty();
        return sources;
    }

    private static List<Type> Types(string folder)
    {
        List<Type> types = [.. typeof(EventServer).Assembly.GetTypes().Where(t => FolderOf(t) == folder && !t.IsDefined(typeof(CompilerGeneratedAttribute)))];
        types.Should().NotBeEmpty();
        return types;
    }

    // The folder is the namespace below WsServer; extension methods live where their users look for them.
    private static string? FolderOf(Type type) => type.Namespace switch
    {
        "WsServer" => "",
        { } name when name.StartsWith("WsServer.", StringComparison.Ordinal) => name["WsServer.".Length..],
        _ => null,
    };

    private static IEnumerable<Type> References(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        IEnumerable<Type?> direct =
        [
            type.BaseType, .. type.GetInterfaces(),
            .. type.GetFields(All).Select(f => f.FieldType),
            .. type.GetProperties(All).Select(p => p.PropertyType),
            .. type.GetMethods(All).SelectMany(m => m.GetParameters().Select(p => p.ParameterType).Append(m.ReturnType)),
            .. type.GetConstructors(All).SelectMany(c => c.GetParameters().Select(p => p.ParameterType)),
        ];
        return direct.OfType<Type>().SelectMany(Parts);
    }

    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!) : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : [type];
}
