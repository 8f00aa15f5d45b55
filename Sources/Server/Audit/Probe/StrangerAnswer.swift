import Foundation

/// What came back, as far as a stranger looks at it.
package struct StrangerAnswer: Hashable {
  let status: Int
  /// The head, line by line, the first one included.
  let lines: [String]
  /// Bytes of all that came, and in how many pieces.
  let size: Int
  let pieces: Int

  /// Nil where it is no answer of SIP.
  package init?(_ received: [[UInt8]]) {
    guard let first = received.first else { return nil }
    let text = String(decoding: first, as: UTF8.self)
    let head = text.components(separatedBy: "\r\n\r\n")[0]
    lines = head.components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ")
    guard words.count >= 2, words[0] == "SIP/2.0", let status = Int(words[1]) else { return nil }
    self.status = status
    size = received.reduce(0) { $0 + $1.count }
    pieces = received.count
  }

  /// The values of a header field, in order.
  func values(_ name: String) -> [String] {
    lines.dropFirst().compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
      return parts[1].trimmingCharacters(in: .whitespaces)
    }
  }

  /// The head without what differs in each answer: two that are alike then are alike to a stranger.
  ///
  /// What stands for the users of the question is the same word for each.
  package func withoutChance(user: String, number: Int) -> [String] {
    lines.filter { !$0.lowercased().hasPrefix("date:") }.map { line in
      var line = line
      for name in ["nonce=\"", "opaque=\"", "tag=", "rport="] {
        line = Self.masked(line, behind: name)
      }
      return line.replacingOccurrences(of: "sip:\(user)@", with: "sip:…@")
        .replacingOccurrences(of: "\(number)", with: "…")
    }
  }

  /// The length stays to be seen.
  private static func masked(_ line: String, behind name: String) -> String {
    guard let start = line.range(of: name)?.upperBound else { return line }
    let end = line[start...].firstIndex { "\";, >".contains($0) } ?? line.endIndex
    return line[..<start] + "(\(line.distance(from: start, to: end)))" + line[end...]
  }
}
