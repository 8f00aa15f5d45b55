import CLinuxSockets
package import Elements

/// The addresses of ours by which this machine reaches others.
package enum OutwardAddress {
  /// Documentation addresses (RFC 5737, RFC 3849): the way there is the way to everybody.
  ///
  /// Nothing is sent.
  private static let (v4, v6) = (
    IPAddress(v4: 0xC000_0201), IPAddress(high: 0x2001_0DB8_0000_0000, low: 1)
  )

  /// The one of a family; nil: this machine reaches nobody by it.
  package static func inUse(isV4: Bool) -> IPAddress? { toward(Endpoint(isV4 ? v4 : v6, 9)) }

  /// The one that `remote` sees; nil: there is no way.
  static func toward(_ remote: Endpoint) -> IPAddress? {
    var (remote, found) = (remote.kernel, cls_endpoint.none)
    return cls_local_address(&remote, &found) == 0 ? Endpoint(found).address : nil
  }
}
