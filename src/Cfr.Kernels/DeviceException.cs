namespace Cfr.Kernels;

/// <summary>A device that is not there or cannot be used; the message says which and why.</summary>
public sealed class DeviceException(string message) : Exception(message);
