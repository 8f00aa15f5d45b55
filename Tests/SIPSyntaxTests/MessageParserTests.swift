import Elements
import Testing

@testable import SIPSyntax

@Suite struct MessageParserTests {
  private func rejection(_ text: String, framing: Framing = .datagram) throws -> RejectedRequest {
    let bytes = MessageTests.bytes(text)
    let error = try #require(throws: MessageError.self) {
      try MessageParser.parse(bytes, framing: framing)
    }
    guard case .rejected(let request) = error else { throw error }
    return request
  }

  private func edit(_ line: String, _ replacement: String) -> String {
    MessageTests.invite.replacing(line, with: replacement)
  }

  @Test(
    "A17, A19, RFC 3261 §7, RFC 4475: each of these faults is refused with its status, and can be answered",
    arguments: [
      ("SIP/2.0\n", "SIP/3.0\n", 505), ("SIP/2.0\n", "HTTP/1.1\n", 400),
      ("SIP/2.0\n", "SIP/2.0 \n", 400),
      ("INVITE sip:bob@biloxi.example.com ", "INVITE sip:b?x=y ", 400),
      ("CSeq: 1 INVITE", "CSeq: 1 BYE", 400), ("CSeq: 1 INVITE", "CSeq: 1", 400),
      ("Max-Forwards: 70", "Max-Forwards: 70\nMax-Forwards: 70", 400),
      ("Max-Forwards: 70", "Max-Forwards: seventy", 400), ("Max-Forwards: 70", "Max-Forwards", 400),
      ("Max-Forwards: 70", ": 70", 400), ("Max-Forwards: 70", "Bad Name: 70", 400),
      ("Max-Forwards: 70", "To: <sip:x@example.com>", 400),
      ("Content-Length: 4", "Content-Length: 400", 400), ("Content-Length: 4", "l: -1", 400),
      ("Content-Length: 4", "Content-Length: 4\nl: 4", 400),
      ("Call-ID: 38", "Call-ID: 38 ", 400), ("Call-ID: 38", "X: 38", 400),
      ("Contact: <", "Contact: <<", 400), ("Supported:", "Supported\u{0}:", 400),
    ])
  func faults(_ old: String, _ new: String, _ status: UInt16) throws {
    let request = try rejection(edit(old, new))
    #expect(request.status.number == status)
    #expect(request.isAnswerable && request.method == .invite)
    #expect(request.topVia?.branch == Array("z9hG4bK74bf9".utf8))
  }

  @Test("RFC 3261 §18.3: a stream needs Content-Length, a datagram does not")
  func framing() throws {
    let text = edit("Content-Length: 4\n", "")
    #expect(try rejection(text, framing: .stream).status == 400)
    let message = try MessageParser.parse(MessageTests.bytes(text), framing: .datagram)
    #expect(message.text(message.body) == "v=0\r\n")
  }

  @Test("A19, RFC 3261 §7: a line ends with CRLF and nothing else")
  func lineEnds() throws {
    let lines = MessageTests.bytes(MessageTests.invite)
    for (old, new) in [([0x0D, 0x0A], [0x0A]), ([0x0D, 0x0A], [0x0D])] as [([UInt8], [UInt8])] {
      var bytes = lines
      bytes.replaceSubrange(bytes.firstRange(of: old) ?? 0..<0, with: new)
      #expect(throws: MessageError.self) { try MessageParser.parse(bytes, framing: .datagram) }
      let all = lines.replacing(old, with: new)
      let error = try #require(throws: MessageError.self) {
        try MessageParser.parse(all, framing: .datagram)
      }
      guard case .rejected(let request) = error else { throw error }
      #expect(request.callID.map { request.headers.text($0) }?.hasPrefix("38482762") == true)
    }
  }

  @Test("RFC 3261 §7.5: CRLF in front of the start line is ignored")
  func leadingLines() throws {
    let bytes = StreamFramer.ping + MessageTests.bytes(MessageTests.invite)
    #expect(try MessageParser.parse(bytes, framing: .datagram).method == .invite)
  }

  @Test("A17: limits: header fields, Via values and size are refused at their bounds, not before")
  func limits() throws {
    func fields(_ count: Int) -> String {
      edit("Supported: ", String(repeating: "X: y\n", count: count) + "Supported: ")
    }
    let base = 12
    let most = MessageLimits.headerFields - base
    #expect(throws: Never.self) {
      try MessageParser.parse(MessageTests.bytes(fields(most)), framing: .datagram)
    }
    #expect(try rejection(fields(most + 1)).status == 400)

    // Broken ones count, too; who hides his Via behind so many gets no answer.
    let broken = "OPTIONS sip:b@example.com SIP/2.0\n" + String(repeating: "l\n", count: 300)
    let error = #expect(throws: MessageError.self) {
      try MessageParser.parse(
        MessageTests.bytes(broken + "Via: SIP/2.0/UDP h;branch=z9hG4bK1\n\n"), framing: .datagram)
    }
    guard case .rejected(let late) = error else { return }
    #expect(late.headers.fields.isEmpty && !late.isAnswerable)

    func vias(_ count: Int) -> String {
      edit(
        "Max-Forwards: ",
        "v: " + Array(repeating: "SIP/2.0/UDP h", count: count).joined(separator: ",")
          + "\nMax-Forwards: ")
    }
    #expect(throws: Never.self) {
      try MessageParser.parse(MessageTests.bytes(vias(69)), framing: .datagram)
    }
    #expect(try rejection(vias(70)).status == 483)

    let body = String(repeating: "x", count: MessageLimits.messageBytes)
    let request = try rejection(
      edit("Content-Length: 4\n\nv=0\n", "Content-Length: \(body.count)\n\n\(body)"))
    #expect(request.status == 513 && request.isAnswerable)
  }

  @Test("Nothing that looks like a message is dropped without a word")
  func nonsense() {
    for text in [
      "", "\r\n", "\r\n\r\n", "GET", "\u{0}\u{1}", "SIP/2.0", "SIP/2.0 200", "SIP/2.0 99 X\r\n\r\n",
    ] {
      let error = #expect(throws: MessageError.self) {
        try MessageParser.parse(Array(text.utf8), framing: .datagram)
      }
      if case .rejected(let request) = error { #expect(!request.isAnswerable) }
    }
  }

  @Test("RFC 3261 §20: long and compact forms are the same field, whatever the order")
  func compactForms() throws {
    var text = MessageTests.invite
    for (long, compact) in [
      ("Via:", "v :"), ("From:", "F\t:"), ("To:", "t:"), ("Call-ID:", "I:"), ("Contact:", "m:"),
      ("Content-Type:", "C:"), ("Content-Length:", "L:"), ("Supported:", "K:"),
    ] { text = text.replacing(long, with: compact) }
    let plain = try MessageParser.parse(MessageTests.bytes(MessageTests.invite), framing: .stream)
    let compact = try MessageParser.parse(MessageTests.bytes(text), framing: .stream)
    #expect(try Meaning(plain) == Meaning(compact))
  }

  @Test("RFC 5621, RFC 2046 §5.1: parts of a body, and bodies that are no multipart")
  func bodyParts() throws {
    func parts(_ type: String, _ body: String) throws -> [String] {
      let body = body.replacing("\n", with: "\r\n")
      let text = edit("Content-Type: application/sdp", "Content-Type: \(type)")
        .replacing("Content-Length: 4\n\nv=0\n", with: "Content-Length: \(body.utf8.count)\n\n")
      let message = try MessageParser.parse(
        MessageTests.bytes(text) + Array(body.utf8), framing: .datagram)
      return try message.bodyParts().map {
        "\($0.type.name)\($0.isOptional ? "?" : ""):\(message.text($0.content))"
      }
    }
    #expect(try parts("application/sdp", "v=0\n") == ["application/sdp:v=0\r\n"])
    let mixed = """
      preamble
      --b
      Content-Type: application/sdp

      v=0
      --c
      --b
      content-disposition: by-reference;
       handling=optional

      --b\u{20}


      x
      --b--
      epilogue
      """
    #expect(
      try parts("multipart/mixed;boundary=b", mixed)
        == ["application/sdp:v=0\r\n--c", "text/plain?:", "text/plain:\r\nx"])
    #expect(throws: SyntaxError.self) { try parts("multipart/mixed", mixed) }
    #expect(throws: SyntaxError.self) { try parts("multipart/mixed;boundary=c", mixed) }
    #expect(throws: SyntaxError.self) { try parts("multipart/mixed;boundary=b", "--b\n\nx\n") }
  }
}
