namespace Cfr.Pipeline;

/// <summary>
/// Data that cannot be used. The message is one line for the user: the file, the value found, what was expected.
/// </summary>
public sealed class BadDataException(string message, Exception? inner = null) : Exception(message, inner);
