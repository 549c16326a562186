namespace WsServer;

/// <summary>
/// Something that events can be emitted to: a socket, a namespace, a server's root namespace, or a chosen part of
/// one. The overloads for values are in <see cref="EmitterExtensions"/>.
/// </summary>
public interface IEmitter
{
    /// <summary>Turns values into arguments.</summary>
    EventSerializer Serializer { get; }

    /// <summary>Emits an event with arguments that are JSON already, such as those a handler was given.</summary>
    /// <param name="name">The event's name; not one of the reserved ones.</param>
    /// <param name="arguments">The arguments. They are read before the call returns, as they may lie in a buffer that is used again.</param>
    /// <returns>A task that completes when the event is on its way. Emitting to nobody is no error.</returns>
    /// <exception cref="ArgumentException">The name is empty or reserved.</exception>
    Task EmitAsync(string name, JsonArguments arguments);
}

/// <summary>Emitting values. They are serialized before the call returns: later changes do not travel.</summary>
public static class EmitterExtensions
{
    /// <summary>Emits an event without arguments.</summary>
    public static Task EmitAsync(this IEmitter emitter, string name)
    {
        ArgumentNullException.ThrowIfNull(emitter);
        return emitter.EmitAsync(name, default);
    }

    /// <summary>Emits an event with arguments where they lie, as a raw handler was given them. They are read before the call returns.</summary>
    public static Task EmitAsync(this IEmitter emitter, string name, RawArguments arguments)
    {
        ArgumentNullException.ThrowIfNull(emitter);
        return emitter.EmitAsync(name, arguments.Borrowed);
    }

    /// <summary>Emits an event with one argument.</summary>
    public static Task EmitAsync<T>(this IEmitter emitter, string name, T data)
    {
        ArgumentNullException.ThrowIfNull(emitter);
        return emitter.EmitAsync(name, emitter.Serializer.Write(data));
    }

    /// <summary>Emits an event with two arguments.</summary>
    public static Task EmitAsync<T1, T2>(this IEmitter emitter, string name, T1 first, T2 second)
    {
        ArgumentNullException.ThrowIfNull(emitter);
        return emitter.EmitAsync(name, emitter.Serializer.Write(first, second));
    }

    /// <summary>Emits an event with three arguments.</summary>
    public static Task EmitAsync<T1, T2, T3>(this IEmitter emitter, string name, T1 first, T2 second, T3 third)
    {
        ArgumentNullException.ThrowIfNull(emitter);
        return emitter.EmitAsync(name, emitter.Serializer.Write(first, second, third));
    }

    /// <summary>Emits an event with four or more arguments.</summary>
    public static Task EmitAsync(this IEmitter emitter, string name, object? first, object? second, object? third, object? fourth, params object?[] more)
    {
        ArgumentNullException.ThrowIfNull(emitter);
        ArgumentNullException.ThrowIfNull(more);
        return emitter.EmitAsync(name, emitter.Serializer.WriteAll([first, second, third, fourth, .. more]));
    }
}
