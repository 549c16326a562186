using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace WsServer.RabbitMQ;

/// <summary>How the broker's certificate is checked.</summary>
internal static class BrokerTls
{
    // The client lets another name pass when it is given a URI. Here no error is acceptable.
    public static SslOption Create(RabbitMQOptions options, string host) => new()
    {
        Enabled = true,
        ServerName = options.TlsServerName ?? host,
        AcceptablePolicyErrors = SslPolicyErrors.None,
        CertificateValidationCallback = options.TlsAuthorities is { } file ? Trust(file) : null,
    };

    // Read at each attempt to connect, so that a new file counts from the next.
    private static RemoteCertificateValidationCallback Trust(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return (_, certificate, sent, errors) =>
        {
            if (certificate is not X509Certificate2 leaf || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
            {
                return false;
            }

            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1"));
            foreach (X509ChainElement element in sent?.ChainElements.AsEnumerable() ?? [])
            {
                chain.ChainPolicy.ExtraStore.Add(element.Certificate);
            }

            return chain.Build(leaf);
        };
    }
}
