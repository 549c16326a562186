using WsServer.Tests.Support;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace WsServer.Tests.Backplane;

/// <summary>A test of <see cref="BackplaneContract"/>: whether it runs is decided by the class that inherits it.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("WsServer.Tests.Backplane.ContractFactDiscoverer", "WsServer.Tests")]
internal sealed class ContractFactAttribute : FactAttribute;

/// <summary>On a test class whose backplane needs RabbitMQ.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NeedsRabbitMQAttribute : Attribute;

/// <summary>Makes the test cases of <see cref="ContractFactAttribute"/>.</summary>
public sealed class ContractFactDiscoverer(IMessageSink diagnostics) : IXunitTestCaseDiscoverer
{
    public IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute) =>
        [new ContractTestCase(diagnostics, discoveryOptions.MethodDisplayOrDefault(), discoveryOptions.MethodDisplayOptionsOrDefault(), testMethod)];
}

/// <summary>A test that is skipped, where it may be, when the class needs what is not there.</summary>
public sealed class ContractTestCase : XunitTestCase
{
    [Obsolete("For the deserializer.", error: true)]
    public ContractTestCase()
    {
    }

    public ContractTestCase(IMessageSink diagnostics, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(diagnostics, display, options, method)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) =>
        (TestMethod.TestClass.Class.GetCustomAttributes(typeof(NeedsRabbitMQAttribute)).Any() ? RabbitMQFactAttribute.Reason : null) ?? base.GetSkipReason(factAttribute);
}
