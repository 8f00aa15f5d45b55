import Demo
import Testing

@Suite struct SMTPConversationTests {
  private func lines(_ text: String) -> [UInt8] {
    Array(text.replacing("\n", with: "\r\n").utf8)
  }

  private func replies(_ effects: [SMTPConversation.Effect]) -> [String] {
    effects.compactMap { if case .reply(let words) = $0 { String(words.prefix(3)) } else { nil } }
  }

  private func letters(_ effects: [SMTPConversation.Effect]) -> [Letter] {
    effects.compactMap { if case .deliver(let letter) = $0 { letter } else { nil } }
  }

  private let session = """
    EHLO client
    MAIL FROM:<martinet@office.example> SIZE=300
    RCPT TO:<owner@office.example>
    RCPT TO:<second@office.example>
    DATA
    Subject: =?utf-8?B?QmxvY2tlZCDigJMgbm93?=
     =?utf-8?B?IHJlYWQ=?=
    Content-Transfer-Encoding: quoted-printable

    Used: 10.00=
     =E2=82=AC
    ..a dot
    .
    QUIT

    """

  @Test("RFC 5321 §3.3: a letter arrives as a person reads it, before its 250")
  func letter() throws {
    var conversation = SMTPConversation()
    let effects = conversation.receive(lines(session))
    #expect(replies(effects) == ["250", "250", "250", "250", "354", "250", "221"])
    let letter = try #require(letters(effects).first)
    #expect(letter.sender == "martinet@office.example")
    #expect(letter.recipients == ["owner@office.example", "second@office.example"])
    #expect(letter.subject == "Blocked – now read")
    #expect(letter.lines.prefix(2) == ["Used: 10.00 €", ".a dot"])
    let delivered = effects.firstIndex { if case .deliver = $0 { true } else { false } }
    #expect(effects[try #require(delivered) + 1] == .reply("250 OK\r\n"))
    #expect(effects.last == .close)
  }

  @Test("the same bytes in any pieces give the same effects", arguments: 1...40)
  func pieces(size: Int) {
    var (whole, parts) = (SMTPConversation(), SMTPConversation())
    let bytes = lines(session)
    let expected = whole.receive(bytes)
    var effects: [SMTPConversation.Effect] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      effects += parts.receive(bytes[start..<min(start + size, bytes.count)])
    }
    #expect(effects == expected)
  }

  @Test("RFC 5321 §4.1.4: commands out of order are refused and change nothing")
  func order() {
    var conversation = SMTPConversation()
    let effects = conversation.receive(
      lines("MAIL FROM:<a@b>\nEHLO c\nRCPT TO:<a@b>\nDATA\nMAIL TO:<a@b>\nMAIL FROM:<a@b>\nDATA\n"))
    #expect(replies(effects) == ["503", "250", "503", "503", "501", "250", "503"])
    #expect(letters(effects).isEmpty)
  }

  @Test("RFC 5321 §4.5.3.1: lines, recipients and content have an end")
  func limits() {
    var long = SMTPConversation()
    let endless = long.receive([UInt8](repeating: 65, count: SMTPConversation.lineLimit + 1))
    #expect(endless.last == .close && replies(endless) == ["500"])

    var crowded = SMTPConversation()
    _ = crowded.receive(lines("EHLO c\nMAIL FROM:<a@b>\n"))
    let recipients = (0...SMTPConversation.recipientLimit).map { "RCPT TO:<\($0)@b>\n" }
    #expect(replies(crowded.receive(lines(recipients.joined()))).last == "452")

    var large = SMTPConversation()
    _ = large.receive(lines("EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<a@b>\nDATA\n"))
    let row = Array(repeating: UInt8(65), count: 998) + [13, 10]
    var effects: [SMTPConversation.Effect] = []
    for _ in 0...SMTPConversation.contentLimit / row.count { effects += large.receive(row) }
    #expect(effects.last == .close && replies(effects) == ["552"])
  }
}
