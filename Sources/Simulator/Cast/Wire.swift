import Elements
import SDP

/// Looks into messages on a wire without parsing them, as a probe would.
enum Wire {
  private static let callIDName = Array("\r\nCall-ID:".utf8)

  static func callID(in bytes: [UInt8]) -> [UInt8]? {
    guard let start = find(callIDName, in: bytes) else { return nil }
    let value = bytes[(start + callIDName.count)...].drop { $0 == 0x20 }
    return Array(value.prefix { $0 != 0x0D })
  }

  /// The user part of the Request-URI of an INVITE that begins a call; nil for anything else.
  static func invitedNumber(in bytes: [UInt8]) -> String? {
    guard bytes.starts(with: "INVITE sip:".utf8) else { return nil }
    let user = bytes[11...].prefix { $0 != 0x40 && $0 != 0x20 && $0 != 0x3B }
    // A re-INVITE has a tag in To.
    guard let to = find(Array("\r\nTo:".utf8), in: bytes),
      !bytes[(to + 5)...].prefix(while: { $0 != 0x0D }).contains(sequence: ";tag=")
    else { return nil }
    return String(decoding: user, as: UTF8.self)
  }

  /// Where a message wants media.
  static func mediaEndpoint(in bytes: [UInt8]) -> Endpoint? {
    guard let head = find(Array("\r\n\r\n".utf8), in: bytes) else { return nil }
    return (try? SessionDescription(parsing: Array(bytes[(head + 4)...])))?.endpoint(of: 0)
  }

  /// Whether it is a 2xx to an INVITE.
  static func isAnswer(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: "SIP/2.0 2".utf8) && find(Array(" INVITE\r\n".utf8), in: bytes) != nil
  }

  private static let forkTag = Array(";tag=fork-".utf8)

  /// The fork that a message belongs to, by its tag in To.
  static func fork(in bytes: [UInt8]) -> Int? {
    guard let start = find(forkTag, in: bytes) else { return nil }
    let digits = bytes[(start + forkTag.count)...].prefix { $0 >= 0x30 && $0 <= 0x39 }
    return Int(String(decoding: digits, as: UTF8.self))
  }

  /// A 200 to a request of the switch; `tag` is the number of a fork.
  static func answer(to request: [UInt8], tag: Int?, contact: Endpoint) -> [UInt8] {
    var text = "SIP/2.0 200 OK\r\n"
    for line in String(decoding: request, as: UTF8.self).split(
      separator: "\r\n", omittingEmptySubsequences: false
    ).dropFirst() {
      guard !line.isEmpty else { break }
      for name in ["Via:", "From:", "To:", "Call-ID:", "CSeq:"] where line.hasPrefix(name) {
        text += line
        if name == "To:", let tag { text += ";tag=fork-\(tag)" }
        text += "\r\n"
      }
    }
    text += "Contact: <sip:fork@\(contact)>\r\nContent-Length: 0\r\n\r\n"
    return Array(text.utf8)
  }

  private static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= needle.count else { return nil }
    for start in 0...(bytes.count - needle.count) where bytes[start] == needle[0] {
      if bytes[start..<(start + needle.count)].elementsEqual(needle) { return start }
    }
    return nil
  }
}

extension Sequence where Element == UInt8 {
  fileprivate func contains(sequence text: StaticString) -> Bool {
    let haystack = Array(self)
    return String(decoding: haystack, as: UTF8.self).contains("\(text)")
  }
}
