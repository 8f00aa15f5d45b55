import Crypto
import Elements
import Foundation
import Store

/// A plain text mail as bytes for SMTP (RFC 5322, 2045, 2047).
///
/// No value can end a header or begin another one: what is not printable ASCII is encoded, addresses
/// with anything unusual in them are refused.
struct MailMessage: Hashable, Sendable {
  let bytes: [UInt8]

  struct UnusableAddress: Error, Hashable, CustomStringConvertible {
    let address: String
    var description: String { "\(NoticeText.inert(address)) is no usable mail address" }
  }

  /// Makes the mail of one copy of an alert.
  ///
  /// `time` is when it happened. `identity` is the same for each attempt, so that a copy that came
  /// twice can be told.
  init(
    _ text: NoticeText, from: String, to: String, at time: WallTime, identity: String,
    isUrgent: Bool
  ) throws(UnusableAddress) {
    for address in [from, to] where !MailMessage.isPlain(address) {
      throw UnusableAddress(address: address)
    }
    let domain = from.split(separator: "@").last.map(String.init) ?? "localhost"
    var lines = [
      "Date: \(MailMessage.date(time))",
      "From: Martinet <\(from)>",
      "To: <\(to)>",
      "Subject: \(MailMessage.encodedWords(text.subject))",
      "Message-ID: <\(identity)@\(domain)>",
      // RFC 3834 §5: answering machines keep quiet.
      "Auto-Submitted: auto-generated",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: quoted-printable",
    ]
    if isUrgent { lines.append("Importance: high") }
    lines.append("")
    lines += text.body.split(separator: "\n", omittingEmptySubsequences: false)
      .map { MailMessage.quotedPrintable(String($0)) }
    bytes = Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
  }

  /// `local@domain` of visible ASCII, without what has a meaning in a header or in SMTP.
  static func isPlain(_ address: String) -> Bool {
    let parts = address.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && address.utf8.count <= 254
      && address.utf8.allSatisfy {
        (33...126).contains($0) && !"<>()[],;:\\\"".utf8.contains($0)
      }
  }

  /// "Sun, 22 Nov 2026 00:41:07 +0000" (RFC 5322 §3.3).
  static func date(_ time: WallTime) -> String {
    let civil = CivilTime(secondsSinceEpoch: time.unixSeconds)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(days[civil.weekday]), \(two(civil.day)) \(months[civil.month - 1]) \(civil.year) "
      + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) +0000"
  }

  /// Short printable ASCII as it is, all else in encoded words, lines below 76 characters (RFC 2047 §2).
  static func encodedWords(_ text: String) -> String {
    let isPlain = text.utf8.count <= 60 && text.utf8.allSatisfy { (32...126).contains($0) }
    if isPlain, !text.contains("=?") { return text }
    var (words, chunk): ([String], [UInt8]) = ([], [])
    for character in text.unicodeScalars {
      let bytes = Array(String(character).utf8)
      if chunk.count + bytes.count > 39 {
        words.append("=?utf-8?B?\(Data(chunk).base64EncodedString())?=")
        chunk = []
      }
      chunk += bytes
    }
    words.append("=?utf-8?B?\(Data(chunk).base64EncodedString())?=")
    return words.joined(separator: "\r\n ")
  }

  /// One line of a body, broken softly below 76 characters (RFC 2045 §6.7).
  static func quotedPrintable(_ line: String) -> String {
    let bytes = Array(line.utf8)
    var (result, width) = ("", 0)
    for (index, byte) in bytes.enumerated() {
      let isBlankAtEnd = (byte == 32 || byte == 9) && index == bytes.count - 1
      // A dot alone would end the mail; encoded it does not depend on the client's dot stuffing.
      let isDotAtStart = byte == UInt8(ascii: ".") && width == 0
      let isPlain = (32...126).contains(byte) && byte != UInt8(ascii: "=") || byte == 9
      let piece =
        isPlain && !isBlankAtEnd && !isDotAtStart
        ? String(UnicodeScalar(byte)) : "=" + [byte].hexadecimal.uppercased()
      if width + piece.count > 75 {
        result += "=\r\n"
        width = 0
      }
      result += piece
      width += piece.count
    }
    return result
  }
}

extension OutboxItem {
  /// Names this copy over all attempts, and says nothing about what is in it.
  var identity: String {
    var writer = ByteWriter()
    writer.write(alert.tenant?.number ?? 0)
    for field in [alert.key, recipient.channel.rawValue, recipient.address] { writer.write(field) }
    return SHA256.hash(data: writer.bytes).prefix(16).hexadecimal
  }
}
