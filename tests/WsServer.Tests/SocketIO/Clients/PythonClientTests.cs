using WsServer.Tests.Support;
using Xunit;

namespace WsServer.Tests.SocketIO.Clients;

/// <summary>A client that shares no code with Socket.IO's own: Python's, from Debian. What it tries is in <c>tests/python</c>.</summary>
public class PythonClientTests
{
    private static readonly string Script = Repository.PathTo("tests", "python", "socketio_client.py");

    public static TheoryData<string, string> ScenariosOfModes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string mode in (string[])["polling", "websocket", "upgrade"])
            {
                foreach (string scenario in (string[])["auth", "refused", "events", "acks", "rooms", "binary", "leaving"])
                {
                    data.Add(mode, scenario);
                }
            }

            return data;
        }
    }

    [PythonTheory]
    [MemberData(nameof(ScenariosOfModes))]
    public async Task The_client_finds_all_as_it_must_be(string mode, string scenario)
    {
        await using ClientServer server = await ClientServer.StartAsync();

        await RunningProcess.RunAsync(RunningProcess.Patience, Requirements.Python, Script, server.Http.ToString(), mode, scenario);
    }
}
