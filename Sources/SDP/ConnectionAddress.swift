package import Elements

/// The value of a `c=` line: where media is wanted (RFC 8866 §5.7).
package struct ConnectionAddress: Hashable, Sendable {
  /// The address; nil for a host name, which we do not resolve.
  package let address: IPAddress?
  /// As it stood in the line, without TTL and count.
  package let host: [UInt8]

  package init(_ address: IPAddress) {
    (self.address, host) = (address, Array(address.description.utf8))
  }

  /// Parses `IN IP4 224.2.1.1/127/3`, TTL and number of addresses read over; nil if malformed.
  init?(parsing value: some Collection<UInt8>) {
    let words = Array(value).words
    guard words.count == 3, words[0].text.uppercased() == "IN",
      ["IP4", "IP6"].contains(words[1].text.uppercased()),
      let host = words[2].split(separator: .slash, omittingEmptySubsequences: false).first,
      !host.isEmpty
    else { return nil }
    self.host = Array(host)
    address = IPAddress(host.text)
  }

  /// "IN IP4 192.0.2.1".
  static func serialize(_ address: IPAddress) -> [UInt8] {
    Array("IN \(address.isV4 ? "IP4" : "IP6") \(address)".utf8)
  }

  /// The unspecified address: on hold, as RFC 2543 had it (RFC 3264 §8.4).
  var isUnspecified: Bool { address == .v4Any || address == .v6Any }
}

/// The `o=` line: who made the description, and which version it is (RFC 8866 §5.2).
package struct Origin: Hashable, Sendable {
  package let user: String
  /// The same for the life of the session.
  package let id: UInt64
  /// One more with each change (RFC 3264 §8).
  package let version: UInt64
  package let address: IPAddress

  package init(user: String = "-", id: UInt64, version: UInt64, address: IPAddress) {
    (self.user, self.id, self.version, self.address) = (user, id, version, address)
  }

  var serialized: [UInt8] {
    Array("\(user) \(id) \(version) \(ConnectionAddress.serialize(address).text)".utf8)
  }
}
