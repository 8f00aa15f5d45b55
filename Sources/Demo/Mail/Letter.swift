import Foundation

/// A mail as it arrived: who it was for, and its text as a person reads it.
package struct Letter: Codable, Hashable, Sendable {
  package let sender: String
  package let recipients: [String]
  package let subject: String
  package let lines: [String]

  /// Reads the content behind DATA: header fields unfolded, encoded words and quoted-printable undone.
  init(from sender: String, to recipients: [String], content: [UInt8]) {
    let text = String(decoding: content, as: UTF8.self).replacing("\r\n", with: "\n")
    let end = text.range(of: "\n\n")
    let header = text[..<(end?.lowerBound ?? text.endIndex)].replacing(/\n[ \t]+/, with: " ")
    let body = end.map { String(text[$0.upperBound...]) } ?? ""
    func field(_ name: String) -> String? {
      header.split(separator: "\n").first { $0.lowercased().hasPrefix(name + ":") }
        .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }
    (self.sender, self.recipients) = (sender, recipients)
    subject = Self.decodingWords(field("subject") ?? "")
    let isQuoted = field("content-transfer-encoding")?.lowercased() == "quoted-printable"
    let plain = isQuoted ? Self.decodingQuotedPrintable(body) : body
    let all = plain.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    lines = Array(all.prefix((all.lastIndex { !$0.isEmpty } ?? -1) + 1))
  }

  /// `=?utf-8?B?…?=` (RFC 2047 §4.1); the blank between two of them belongs to neither.
  private static func decodingWords(_ text: String) -> String {
    text.replacing(/\?=\s+=\?/, with: "?==?").replacing(/=\?utf-8\?B\?([A-Za-z0-9+\/=]*)\?=/) {
      Data(base64Encoded: String($0.1)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
  }

  /// Soft line breaks and `=XX` (RFC 2045 §6.7).
  private static func decodingQuotedPrintable(_ text: String) -> String {
    let bytes = Array(text.replacing("=\n", with: "").utf8)
    var (decoded, index): ([UInt8], Int) = ([], 0)
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "="), index + 2 < bytes.count,
        let byte = UInt8(
          String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
      {
        decoded.append(byte)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }
}
