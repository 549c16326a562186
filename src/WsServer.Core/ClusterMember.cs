namespace WsServer;

/// <summary>A node of a server.</summary>
/// <param name="Id">Its id, new with each start: 8 characters of base64url, with which the ids of its sockets end.</param>
/// <param name="Name">What it is called: <see cref="ClusterOptions.Name"/>.</param>
/// <param name="StartedAt">When it started, by its clock.</param>
/// <param name="IsSelf">Whether it is this one.</param>
public sealed record ClusterMember(string Id, string Name, DateTimeOffset StartedAt, bool IsSelf);
