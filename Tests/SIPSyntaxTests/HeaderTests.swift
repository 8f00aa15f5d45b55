import Elements
import Testing

@testable import SIPSyntax

/// A message with some header fields more, for the typed accessors.
func message(with headers: String) throws -> Message {
  let text = """
    OPTIONS sip:bob@example.com SIP/2.0
    Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1
    From: <sip:a@example.com>;tag=1
    To: <sip:b@example.com>
    Call-ID: c1
    CSeq: 1 OPTIONS
    \(headers)


    """
  return try MessageParser.parse(MessageTests.bytes(text), framing: .datagram)
}

@Suite struct HeaderTests {
  @Test("RFC 3261 §7.3.1: a list is the same in one line, in several, and in compact form")
  func lists() throws {
    let message = try message(
      with: "Supported: 100rel,timer ,, replaces\nk: path\nSUPPORTED :\n  gruu\nUnknown: x, y")
    #expect(message.supported.texts == ["100rel", "timer", "replaces", "path", "gruu"])
    #expect(message.supported.contains("timer") && !message.supported.contains("outbound"))
    #expect(message.lines(.supported).count == 3)
    #expect(message.first(named: "unknown").map { message.text($0) } == "x, y")
    #expect(message.require.isEmpty)
  }

  @Test("RFC 3261 §7.3.1: commas inside quotes and brackets separate nothing")
  func commas() throws {
    let message = try message(
      with: "Route: <sip:a,b@p1.example.com;lr>, \"x, \\\" <y>\" <sip:p2.example.com;lr>;z=\",\"")
    let routes = try message.routes()
    #expect(
      routes.map(\.uri.description) == ["sip:a,b@p1.example.com;lr", "sip:p2.example.com;lr"])
    #expect(routes.last?.displayText == "x, \" <y>")
  }

  @Test("RFC 4028 §4 and §5: session timers")
  func sessionTimer() throws {
    let message = try message(with: "x: 1800 ; Refresher=UAS;y=z\nMin-SE: 90;x=1")
    #expect(try message.sessionExpires() == SessionExpires(seconds: 1800, refresher: .uas))
    #expect(message.minSE == 90)
    #expect(
      SessionExpires(seconds: 90, refresher: .uac).serialized == Array("90;refresher=uac".utf8))
  }

  @Test("RFC 3891 §6.1: Replaces, and the same inside a Refer-To (RFC 5589)")
  func replaces() throws {
    let message = try message(
      with: """
        Replaces: 98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only
        r: <sip:b@h.example;method=INVITE?Replaces=090%40h.example%3Bto-tag%3D10%3Bfrom-tag%3D6472>
        Target-Dialog: abc;local-tag=l;remote-tag=r
        """)
    let replaces = try #require(try message.replaces())
    #expect(
      replaces
        == Replaces(
          callID: Array("98732@sip.example.com".utf8), toTag: Array("ff87ff".utf8),
          fromTag: Array("r33th4x0r".utf8), isEarlyOnly: true))
    #expect(try Replaces(parsing: replaces.serialized.span) == replaces)
    let referTo = try #require(try message.referTo())
    #expect(referTo.replaces?.callID == Array("090@h.example".utf8))
    #expect(referTo.replaces?.toTag == Array("10".utf8))
    #expect(referTo.method == .invite)
    #expect(!referTo.target.hasHeaders)
    #expect(try message.targetDialog()?.toTag == Array("l".utf8))
    #expect(throws: SyntaxError.self) { try Replaces(parsing: Array("a;to-tag=1".utf8).span) }
  }

  @Test("RFC 6665 §8.2: events and the state of a subscription")
  func events() throws {
    let message = try message(
      with: "o: Message-Summary ;id=7\nSubscription-State: terminated;reason=timeout;retry-after=5")
    #expect(try message.event() == EventType("message-summary", id: Array("7".utf8)))
    #expect(
      try message.subscriptionState()
        == SubscriptionState(.terminated, reason: "timeout", retryAfter: 5))
    #expect(
      SubscriptionState(.active, expires: 60).serialized == Array("active;expires=60".utf8))
  }

  @Test("RFC 3326 §2: reasons of SIP and Q.850, with a comma in the text")
  func reasons() throws {
    let message = try message(
      with: "Reason: SIP ;cause=200 ;text=\"Call completed, elsewhere\", Q.850;cause=16")
    let reasons = try message.reasons()
    #expect(reasons.count == 2)
    #expect(reasons[0].isSIP && reasons[0].cause == 200)
    #expect(reasons[0].text == "Call completed, elsewhere")
    #expect(reasons[1] == .q850(16) && reasons[1].isQ850)
    #expect(try Reason(parsing: Reason.sip(487).serialized.span) == .sip(487))
  }

  @Test("RFC 3325 §9, RFC 3323 §4.2: asserted identities and privacy")
  func identity() throws {
    let message = try message(
      with: """
        P-Asserted-Identity: "Cullen, J" <sip:fluffy@example.com>
        P-Asserted-Identity: tel:+14085264000
        P-Preferred-Identity: <sip:f@example.com>
        Privacy: id; critical;unknown
        """)
    #expect(
      try message.assertedIdentities().map(\.uri.description)
        == ["sip:fluffy@example.com", "tel:+14085264000"])
    #expect(try message.preferredIdentities().count == 1)
    #expect(try message.privacy() == [.id, .critical])
    #expect(try message.privacy()?.hidesIdentity == true)
    #expect(Privacy([.id, .header]).serialized == Array("header;id".utf8))
    #expect(Privacy([.none]).hidesIdentity == false)
  }

  @Test("RFC 5806 §4: diversions")
  func diversions() throws {
    let message = try message(
      with: "Diversion: <sip:a@b>;reason=user-busy;counter=3;privacy=full,<tel:+49301>")
    let diversions = try message.diversions()
    #expect(diversions.map(\.reason) == ["user-busy", "unknown"])
    #expect(diversions.map(\.counter) == [3, 1])
    #expect(diversions.map(\.isPrivate) == [true, false])
    let ours = Diversion(try URI("sip:x@y"), reason: "unconditional")
    #expect(try Diversion(parsing: ours.serialized.span) == ours)
  }

  @Test("RFC 7044 §5: history with index, origin and reason")
  func history() throws {
    let message = try message(
      with: """
        History-Info: <sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1,
          <sip:bob@192.0.2.3?Privacy=history>;index=1.1;rc=1
        """)
    let history = try message.historyInfo()
    #expect(history.map(\.index) == [[1], [1, 1]])
    #expect(history[0].reason?.cause == 302)
    #expect(history[1].origin?.kind == .recursed && history[1].origin?.index == [1])
    #expect(history.map(\.isPrivate) == [false, true])
    let ours = HistoryEntry(
      try URI("sip:x@y"), index: [1, 2], origin: (.mapped, [1]), reason: .sip(480))
    let again = try HistoryEntry(parsing: ours.serialized.span)
    #expect(again == ours && again.reason == .sip(480))
    #expect(throws: SyntaxError.self) { try HistoryEntry(parsing: Array("<sip:a@b>".utf8).span) }
  }

  @Test("RFC 3262 §7, RFC 5393 §5.3.3, RFC 3261 §20.19: numbers")
  func numbers() throws {
    let message = try message(
      with: "RAck: 776656 1 INVITE\nRSeq: 988789\nMax-Breadth: 60\nExpires: 36893488147419103232")
    #expect(
      try message.rack() == RAck(responseNumber: 776_656, cseq: CSeq(number: 1, method: .invite)))
    #expect(message.rseq == 988_789 && message.maxBreadth == 60)
    #expect(message.expires == 3600, "an overlarge value counts as 3600")
    #expect(
      RAck(responseNumber: 10, cseq: CSeq(number: 0, method: .prack)).serialized
        == Array("10 0 PRACK".utf8))
  }

  @Test("RFC 3261 §20.33 and §20.43: Retry-After and Warning")
  func retryAndWarning() throws {
    let message = try message(
      with: """
        Retry-After: 18000 (a (nested) comment);duration=3600
        Warning: 307 isi.edu "Session parameter 'foo', not \\"understood\\"", 301 [::1]:5060 "x"
        """)
    #expect(try message.retryAfter() == RetryAfter(seconds: 18000, duration: 3600))
    let warnings = try message.warnings()
    #expect(warnings.map(\.code) == [307, 301])
    #expect(warnings[0].text == "Session parameter 'foo', not \"understood\"")
    #expect(try Warning(parsing: warnings[0].serialized.span) == warnings[0])
    #expect(throws: SyntaxError.self) { try RetryAfter(parsing: Array("5 (x".utf8).span) }
  }

  @Test("RFC 3261 §20.17: a date in GMT and in no other zone")
  func dates() throws {
    let text = "Sat, 13 Nov 2010 23:29:00 GMT"
    let date = try SIPDate(parsing: Array(text.utf8).span)
    #expect(date.time == CivilTime(year: 2010, month: 11, day: 13, hour: 23, minute: 29))
    #expect(date.serialized == Array(text.utf8))
    #expect(
      SIPDate(WallTime(unixMilliseconds: 0)).serialized
        == Array("Thu, 01 Jan 1970 00:00:00 GMT".utf8))
    for bad in ["Fri, 01 Jan 2010 16:00:00 EST", "Sat, 13 Nov 2010 24:00:00 GMT", "now", ""] {
      #expect(throws: SyntaxError.self) { try SIPDate(parsing: Array(bad.utf8).span) }
    }
  }

  @Test("RFC 3261 §20.1 and §20.15: media types")
  func mediaTypes() throws {
    let message = try message(
      with: "c: Multipart/Mixed;boundary=\"a b\"\nAccept: application/*;q=0.5, text/plain")
    let type = try #require(try message.contentType())
    #expect(type.isMultipart && type.parameters.text("boundary") == "a b")
    let accept = try message.accept()
    #expect(accept[0].accepts("application/sdp") && !accept[0].accepts("text/plain"))
    #expect(accept[1].accepts("text/plain") && !accept[1].accepts("text/html"))
  }
}
