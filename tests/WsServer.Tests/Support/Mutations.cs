using System.Text;

namespace WsServer.Tests.Support;

/// <summary>Messages that are nearly right, for fuzz tests of codecs.</summary>
internal static class Mutations
{
    /// <summary>Changes a message in up to three places.</summary>
    /// <param name="original">The message.</param>
    /// <param name="corpus">Others, whose ends it may get.</param>
    /// <param name="pieces">Text that is put in somewhere.</param>
    /// <param name="random">Where all chance comes from.</param>
    public static byte[] Mutate(byte[] original, IReadOnlyList<byte[]> corpus, string[] pieces, Random random)
    {
        List<byte> bytes = [.. original];
        for (int left = random.Next(4); left > 0; left--)
        {
            int at = random.Next(bytes.Count + 1);
            int length = Math.Min(random.Next(1, 12), bytes.Count - at);
            switch (random.Next(8))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 5:
                    byte[] other = corpus[random.Next(corpus.Count)];
                    bytes.RemoveRange(at, bytes.Count - at);
                    bytes.AddRange(other[Math.Min(at, other.Length)..]);
                    break;
                default:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(pieces[random.Next(pieces.Length)]));
                    break;
            }
        }

        return [.. bytes];
    }
}
