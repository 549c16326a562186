using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.FileProviders;

/// <summary>
/// The headers that keep the pages from doing more than they need: a content security policy for each, in which only its
/// own scripts and styles may run, by their hashes, and what browsers are told beside it.
/// </summary>
internal static partial class PageHeaders
{
    private const string Others = "default-src 'none'; frame-ancestors 'none'";

    /// <summary>Adds the headers to every answer; pages get a policy of their own.</summary>
    public static void UsePageHeaders(this WebApplication app)
    {
        Dictionary<string, string> policies = ReadPolicies(app.Environment.WebRootFileProvider);
        app.Use((context, next) =>
        {
            string path = context.Request.Path.Value is null or "/" ? "/index.html" : context.Request.Path.Value;
            IHeaderDictionary headers = context.Response.Headers;
            headers.ContentSecurityPolicy = policies.GetValueOrDefault(path, Others);
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
            headers.XFrameOptions = "DENY";
            return next(context);
        });
    }

    private static Dictionary<string, string> ReadPolicies(IFileProvider files)
    {
        var policies = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (IFileInfo file in files.GetDirectoryContents("/").Where(f => f.Name.EndsWith(".html", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(file.CreateReadStream(), Encoding.UTF8);
            policies.Add($"/{file.Name}", Policy(reader.ReadToEnd()));
        }

        return policies;
    }

    /// <summary>The policy for a page: what it has inside, scripts of this server, and connections to it.</summary>
    private static string Policy(string html) => string.Join("; ",
        "default-src 'none'",
        $"script-src 'self'{Hashes(InlineScript().Matches(html))}",
        $"style-src 'self'{Hashes(InlineStyle().Matches(html))}",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'");

    // A parser makes one line break of any, before it hashes.
    private static string Hashes(MatchCollection blocks) => string.Concat(
        blocks.Select(b => $" 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(b.Groups[1].Value.ReplaceLineEndings("\n"))))}'"));

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex InlineScript();

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex InlineStyle();
}
