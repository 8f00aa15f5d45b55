package import Elements

/// The STUN Binding request by which a phone keeps its flow over UDP open (RFC 5626 §4.4.2, RFC 8489 §6.1).
///
/// The answer names the address that we see, so that the phone notices when a NAT has forgotten it. It is longer
/// than the request, and so is for flows only that somebody has registered on (A13).
package struct STUNBinding: Hashable, Sendable {
  private static let cookie: [UInt8] = [0x21, 0x12, 0xA4, 0x42]
  private static let headerBytes = 20

  /// Magic cookie and transaction ID, which the answer has again.
  private let transaction: [UInt8]

  /// Nil for anything else, and for requests with attributes that must be understood: keep-alives have none.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.headerBytes, bytes[0] == 0, bytes[1] == 1,
      bytes[4..<8].elementsEqual(Self.cookie),
      Int(bytes[2]) << 8 | Int(bytes[3]) == bytes.count - Self.headerBytes
    else { return nil }
    var place = Self.headerBytes
    while place < bytes.count {
      // Type and length, then the value filled up to four bytes; types from 0x8000 on may be passed over.
      guard bytes.count - place >= 4, bytes[place] >= 0x80 else { return nil }
      let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
      place += 4 + (length + 3) & ~3
    }
    guard place == bytes.count else { return nil }
    transaction = Array(bytes[4..<Self.headerBytes])
  }

  /// The success response with XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
  package func answer(to remote: Endpoint) -> [UInt8] {
    let address = remote.address
    let plain: [UInt8]
    if let v4 = address.v4 {
      plain = (0..<4).map { UInt8(truncatingIfNeeded: v4 >> (24 - 8 * $0)) }
    } else {
      plain = [address.high, address.low].flatMap { half in
        (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) }
      }
    }
    let port = remote.port ^ 0x2112
    let value =
      [0, address.isV4 ? 1 : 2, UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
      + zip(plain, transaction).map { $0 ^ $1 }
    let length = UInt8(value.count)
    return [0x01, 0x01, 0, length + 4] + transaction + [0x00, 0x20, 0, length] + value
  }
}
