/// An address and a port.
package struct Endpoint: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let address: IPAddress
  package let port: UInt16

  @inlinable
  package init(_ address: IPAddress, _ port: UInt16) {
    (self.address, self.port) = (address, port)
  }

  /// Parses "192.0.2.1:5060" or "[2001:db8::1]:5060"; nil without a port.
  package init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":"),
      let port = UInt16(text[text.index(after: colon)...]),
      let address = IPAddress(text[..<colon]),
      address.isV4 || text.first == "["
    else { return nil }
    self.init(address, port)
  }

  // Written out, as those of the address are: only so are they inlined where other modules look endpoints up.
  @inlinable
  package static func == (left: Endpoint, right: Endpoint) -> Bool {
    left.port == right.port && left.address == right.address
  }

  @inlinable
  package func hash(into hasher: inout Hasher) {
    address.hash(with: port, into: &hasher)
  }

  package static func < (left: Endpoint, right: Endpoint) -> Bool {
    (left.address, left.port) < (right.address, right.port)
  }

  /// Bytes of the longest text: brackets, a colon and five digits around the address.
  package static var longestText: Int { IPAddress.longestText + 8 }

  package var description: String {
    var text: [UInt8] = []
    text.reserveCapacity(48)
    text.append(self)
    return String(decoding: text, as: UTF8.self)
  }
}
