import Elements
import Foundation

/// What came back, as far as a stranger looks at it.
package struct StrangerAnswer: Hashable {
  package let status: Int
  /// The head, line by line, the first one included.
  let lines: [String]
  let size: Int

  /// Short forms of the header fields that are looked at (RFC 3261 §7.3.3).
  private static let shortNames = ["call-id": "i", "via": "v", "from": "f", "to": "t"]

  /// Nil where it is no answer of SIP.
  package init?(_ received: [UInt8]) {
    let text = String(decoding: received, as: UTF8.self)
    let head = text.components(separatedBy: "\r\n\r\n")[0]
    lines = head.components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ")
    guard words.count >= 2, words[0] == "SIP/2.0", let status = Int(words[1]),
      (100...699).contains(status)
    else { return nil }
    (self.status, size) = (status, received.count)
  }

  /// The values of a header field, in order.
  func values(_ name: String) -> [String] {
    let name = name.lowercased()
    return lines.dropFirst().compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      let found = parts[0].trimmingCharacters(in: .whitespaces).lowercased()
      guard found == name || found == Self.shortNames[name] else { return nil }
      return parts[1].trimmingCharacters(in: .whitespaces)
    }
  }

  /// Whether it is for this request and no other (RFC 3261 §17.1.3): anybody may send anything, and answers come late.
  package func belongs(to request: StrangerRequest) -> Bool {
    let sequence = values("CSeq").first?.split(whereSeparator: \.isWhitespace)
    return sequence == ["\(request.sequence)", Substring(request.method)]
      && values("Call-ID").first == "\(request.number)"
      && values("Via").first?.contains("branch=\(request.branch)") == true
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

/// Words of a stranger's server on their way to a terminal.
package enum StrangerWords {
  private static let longest = 60

  /// The beginning, without anything that a terminal obeys or that turns the order of letters.
  package static func shown(_ text: some StringProtocol) -> String {
    String(text.prefix(longest)).inert
  }
}
