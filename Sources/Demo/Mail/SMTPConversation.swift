/// The server's side of one SMTP connection (RFC 5321): bytes in, replies and letters out.
///
///     command ──MAIL──▶ RCPT … ──DATA──▶ content ──"."──▶ command      any ──QUIT──▶ over
package struct SMTPConversation {
  /// What is to be done, in order.
  package enum Effect: Hashable {
    case reply(String)
    case deliver(Letter)
    case close
  }

  /// RFC 5321 §4.5.3.1: longest line with room to spare, content, recipients.
  package static let lineLimit = 2_000
  package static let contentLimit = 1 << 20
  package static let recipientLimit = 100

  private var rest: [UInt8] = []
  private var isGreeted = false
  private var sender: String?
  private var recipients: [String] = []
  /// The content so far, while it comes.
  private var content: [UInt8]?
  private var isOver = false

  package init() {}

  /// The first words, before anything was received.
  static let greeting = "220 127.0.0.1 ESMTP Martinet demo\r\n"

  /// Takes what has come, in whatever pieces.
  package mutating func receive(_ bytes: some Sequence<UInt8>) -> [Effect] {
    rest += bytes
    var effects: [Effect] = []
    while !isOver, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      var line = Array(rest[..<end])
      rest.removeSubrange(...end)
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      if content == nil {
        obey(String(decoding: line, as: UTF8.self), &effects)
      } else {
        takeContent(line, &effects)
      }
    }
    if rest.count > Self.lineLimit, !isOver { end("500 the line is too long", &effects) }
    return effects
  }

  private mutating func obey(_ line: String, _ effects: inout [Effect]) {
    let verb = line.prefix { $0 != " " }.uppercased()
    switch verb {
    case "EHLO", "HELO":
      (isGreeted, sender, recipients) = (true, nil, [])
      let isExtended = verb == "EHLO"
      effects.append(
        .reply(
          isExtended
            ? "250-127.0.0.1\r\n250-8BITMIME\r\n250 SIZE \(Self.contentLimit)\r\n"
            : "250 127.0.0.1\r\n"))
    case "MAIL": takeSender(line, &effects)
    case "RCPT": takeRecipient(line, &effects)
    case "DATA":
      guard sender != nil, !recipients.isEmpty else {
        return say("503 MAIL and RCPT come first", &effects)
      }
      content = []
      say("354 end with a dot on a line of its own", &effects)
    case "RSET":
      (sender, recipients) = (nil, [])
      say("250 OK", &effects)
    case "NOOP": say("250 OK", &effects)
    case "VRFY": say("252 send it and see", &effects)
    case "QUIT": end("221 good-bye", &effects)
    case _: say("500 no such command", &effects)
    }
  }

  private mutating func takeSender(_ line: String, _ effects: inout [Effect]) {
    guard isGreeted, sender == nil else { return say("503 not now", &effects) }
    guard let address = Self.path(in: line, behind: "MAIL FROM:") else {
      return say("501 MAIL FROM:<address>", &effects)
    }
    sender = address
    say("250 OK", &effects)
  }

  private mutating func takeRecipient(_ line: String, _ effects: inout [Effect]) {
    guard sender != nil else { return say("503 MAIL comes first", &effects) }
    guard let address = Self.path(in: line, behind: "RCPT TO:"), !address.isEmpty else {
      return say("501 RCPT TO:<address>", &effects)
    }
    guard recipients.count < Self.recipientLimit else {
      return say("452 too many recipients", &effects)
    }
    recipients.append(address)
    say("250 OK", &effects)
  }

  /// The address in brackets; parameters behind it are let be.
  private static func path(in line: String, behind words: String) -> String? {
    guard line.uppercased().hasPrefix(words) else { return nil }
    let path = line.dropFirst(words.count).drop { $0 == " " }
    guard path.first == "<", let end = path.firstIndex(of: ">") else { return nil }
    return String(path[path.index(after: path.startIndex)..<end])
  }

  private mutating func takeContent(_ line: [UInt8], _ effects: inout [Effect]) {
    guard line != [UInt8(ascii: ".")] else {
      let letter = Letter(from: sender ?? "", to: recipients, content: content ?? [])
      (content, sender, recipients) = (nil, nil, [])
      effects.append(.deliver(letter))
      return say("250 OK", &effects)
    }
    // RFC 5321 §4.5.2: a dot in front of a dot is the sender's.
    content?.append(contentsOf: line.first == UInt8(ascii: ".") ? line.dropFirst() : line[...])
    content?.append(contentsOf: "\r\n".utf8)
    if (content?.count ?? 0) > Self.contentLimit { end("552 the mail is too long", &effects) }
  }

  private func say(_ words: String, _ effects: inout [Effect]) {
    effects.append(.reply(words + "\r\n"))
  }

  private mutating func end(_ words: String, _ effects: inout [Effect]) {
    say(words, &effects)
    effects.append(.close)
    isOver = true
  }
}
