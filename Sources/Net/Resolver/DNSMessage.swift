package import Elements

/// What a name server answered (RFC 1035 §4), as far as finding a SIP server needs it.
///
/// Reads bytes of strangers: every offset is checked, every loop is bounded, names are at most 255
/// bytes (RFC 1035 §2.3.4) whatever the compression pointers say.
package struct DNSMessage: Sendable {
  package enum RecordType: UInt16, Sendable {
    case a = 1
    case cname = 5
    case aaaa = 28
    case srv = 33
    case naptr = 35
  }

  package enum Data: Hashable, Sendable {
    case address(IPAddress)
    case alias(String)
    /// RFC 2782.
    case service(priority: UInt16, weight: UInt16, port: UInt16, target: String)
    /// RFC 3403; the regular expression is not used for SIP (RFC 3263 §4.1).
    case pointer(
      order: UInt16, preference: UInt16, flags: String, service: String, replacement: String)
  }

  package struct Record: Hashable, Sendable {
    /// Lower case, without the last dot.
    package let name: String
    package let lifeSeconds: UInt32
    package let data: Data
  }

  /// RFC 1035 §4.1.1: 0 is success, 3 says that the name does not exist.
  package let responseCode: UInt8
  /// The answers, then the additional records; others than the known types are left out.
  package let records: [Record]

  /// At most so many records are read.
  package static let maximumRecords = 256

  /// Reads a response; nil when the bytes are none.
  package init?(_ bytes: [UInt8]) {
    var reader = DNSReader(bytes: bytes)
    guard bytes.count >= 12, bytes[2] & 0x80 != 0 else { return nil }
    responseCode = bytes[3] & 0x0F
    reader.offset = 4
    guard let questions = reader.number(), let answers = reader.number(),
      let authorities = reader.number(), let additional = reader.number(), questions <= 4
    else { return nil }
    for _ in 0..<questions {
      guard reader.name() != nil, reader.skip(4) else { return nil }
    }
    var records: [Record] = []
    let total = answers + authorities + additional
    for index in 0..<min(total, Self.maximumRecords) {
      guard let record = reader.record() else { return nil }
      guard index < answers || index >= answers + authorities else { continue }
      if let record = record.known { records.append(record) }
    }
    self.records = records
  }
}
