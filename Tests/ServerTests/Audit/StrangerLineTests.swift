import Elements
import Foundation
import SIP
import Server
import Synchronization
import Testing

/// How the audit's stranger hears answers: those to his own questions, through losses, and no longer than he said.
@Suite struct StrangerLineTests {
  /// Time that passes only while somebody waits.
  private final class Watch: @unchecked Sendable {
    private(set) var now = ContinuousClock.now
    func wait(_ time: Duration) { now += time }
  }

  /// A server that answers each request, as it comes, with pieces of its choice.
  private final class Played: ProbeLink, @unchecked Sendable {
    let local = Endpoint(.v4Loopback, 4000)
    let isStream: Bool
    private let answer: (_ request: String, _ count: Int) -> [String]
    private var waiting: [[UInt8]] = []
    private(set) var heard: [String] = []
    let watch: Watch

    init(
      stream: Bool = false, watch: Watch = Watch(), _ answer: @escaping (String, Int) -> [String]
    ) {
      (isStream, self.watch, self.answer) = (stream, watch, answer)
    }

    func send(_ bytes: [UInt8]) {
      let text = String(decoding: bytes, as: UTF8.self)
      heard.append(text)
      waiting += answer(text, heard.count).map { Array($0.utf8) }
    }

    func receive(within time: Duration) -> [UInt8]? {
      guard waiting.isEmpty else { return waiting.removeFirst() }
      watch.wait(time)
      return nil
    }

    func close() {}
    var methods: [String] { heard.map { String($0.prefix { $0 != " " }) } }
  }

  /// As in life; of what stays silent less.
  private static func patience(
    _ answer: Duration = .milliseconds(3_500), again: Duration = .milliseconds(500)
  ) -> StrangerLine.Patience {
    var patience = StrangerLine.Patience()
    (patience.answer, patience.again, patience.after) = (answer, again, .milliseconds(200))
    return patience
  }

  /// An answer to a request, with other lines where they are given.
  private static func answer(
    _ status: Int, to request: String, call: String? = nil, more: String = ""
  ) -> String {
    let lines = request.components(separatedBy: "\r\n")
    let kept = lines.filter { line in
      ["Via:", "From:", "To:", "CSeq:"].contains { line.hasPrefix($0) }
        || call == nil && line.hasPrefix("Call-ID:")
    }
    let other = call.map { ["Call-ID: \($0)"] } ?? []
    return (["SIP/2.0 \(status) X"] + kept + other + ["\(more)Content-Length: 0", "", ""])
      .joined(separator: "\r\n")
  }

  private func invite() -> StrangerRequest {
    StrangerRequest(
      "INVITE", "sip:1@a.example", from: "sip:2@a.example", to: "sip:1@a.example")
  }

  private func ask(
    _ link: Played, over transport: Transport = .udp, again: Duration = .milliseconds(500)
  ) -> StrangerLine.Reply {
    StrangerLine(
      over: transport, patience: Self.patience(again: again), first: link, now: { link.watch.now }
    ) { nil }
    .ask(invite())
  }

  @Test("A question that got lost is asked again, and the answer to the second counts")
  func loss() {
    let link = Played { text, count in count < 3 ? [] : [Self.answer(401, to: text)] }
    let reply = ask(link, again: .milliseconds(10))
    #expect(reply.answer?.status == 401)
    #expect(reply.sendings == 3)
    #expect(SIPProbe.judge(reply, of: .openCall) == .closed)
  }

  @Test("A link that has nothing at once, as behind an error of the network, ends no wait")
  func errors() {
    final class Broken: ProbeLink {
      let local = Endpoint(.v4Loopback, 4000)
      let isStream = false
      var sent = 0
      func send(_ bytes: [UInt8]) { sent += 1 }
      func receive(within time: Duration) -> [UInt8]? { nil }
      func close() {}
    }
    let (link, start) = (Broken(), ContinuousClock.now)
    let patience = Self.patience(.milliseconds(300), again: .milliseconds(50))
    let reply = StrangerLine(over: .udp, patience: patience, first: link) {
      nil
    }.ask(invite())
    #expect(reply.answer == nil)
    #expect(ContinuousClock.now - start >= .milliseconds(300))
    #expect(link.sent > 1 && link.sent == reply.sendings)
  }

  @Test("What answers another question, or nobody's, decides nothing")
  func strangers() {
    let link = Played { text, _ in
      [
        "noise", Self.answer(200, to: text, call: "another"),
        Self.answer(200, to: text.replacing("INVITE", with: "OPTIONS")),
        Self.answer(200, to: text.replacing("branch=z9hG4bK", with: "branch=z9hG4bK9")),
        Self.answer(403, to: text),
      ]
    }
    let reply = ask(link)
    #expect(reply.answer?.status == 403)
    #expect(reply.datagrams == 1)
  }

  @Test("An answer that comes late is no answer to the next question")
  func late() {
    var first = ""
    let link = Played { text, _ in
      defer { if first.isEmpty { first = text } }
      guard !first.isEmpty, !text.contains("Call-ID: 1111111") else { return [] }
      return [Self.answer(200, to: first), Self.answer(401, to: text)]
    }
    let patience = Self.patience(.seconds(1), again: .seconds(2))
    let line = StrangerLine(over: .udp, patience: patience, first: link, now: { link.watch.now }) {
      nil
    }
    let numbered = StrangerRequest(
      "REGISTER", "sip:a.example", from: "sip:2@a.example", to: "sip:2@a.example", number: 1_111_111
    )
    #expect(line.ask(numbered).answer == nil)
    #expect(line.ask(invite()).answer?.status == 401)
  }

  @Test("100 is no call that was taken; a refusal behind what rings is one")
  func provisional() {
    func status(_ answers: Int...) -> (Int?, SIPProbe.Verdict) {
      let link = Played { text, count in
        count == 1 ? answers.map { Self.answer($0, to: text) } : []
      }
      let reply = ask(link)
      return (reply.answer?.status, SIPProbe.judge(reply, of: .openCall))
    }
    #expect(status(100, 401) == (401, .closed))
    #expect(status(180, 407) == (407, .closed))
    #expect(status(100, 183) == (183, .open))
    #expect(status(200) == (200, .open))
    #expect(status(100).1 == .unseen("takes it and says nothing more"))
    #expect(status().1 == .unseen("does not answer it, however often it is asked"))
    #expect(status(404).1 == .unseen("answers 404 before it asks who calls"))
    #expect(status(302).1 == .unseen("answers 302 before it asks who calls"))
  }

  @Test("A call that rings is cancelled, and what the cancelling leads to is acknowledged")
  func cancelled() {
    var asked = ""
    let link = Played { text, _ in
      if text.hasPrefix("INVITE") {
        asked = text
        return [Self.answer(180, to: text)]
      }
      return text.hasPrefix("CANCEL")
        ? [Self.answer(200, to: text), Self.answer(487, to: asked)] : []
    }
    _ = ask(link)
    #expect(link.methods == ["INVITE", "CANCEL", "ACK"])
  }

  @Test("More answers than questions amplify; a provisional one before the final one does not")
  func amplification() {
    func amplifies(_ answers: Int..., more: String = "") -> Bool {
      let link = Played { text, count in
        count == 1 ? answers.map { Self.answer($0, to: text, more: more) } : []
      }
      return SIPProbe.amplifies(ask(link))
    }
    #expect(!amplifies(100, 401))
    #expect(amplifies(401, 401))
    #expect(amplifies(401, more: "X: \(String(repeating: "x", count: 2_000))\r\n"))
  }

  @Test("On a stream an answer comes in pieces, or two at once")
  func stream() {
    let link = Played(stream: true) { text, _ in
      let both = Self.answer(100, to: text) + Self.answer(401, to: text, more: "X: 1\r\n")
      return [
        String(both.prefix(40)), String(both.dropFirst(40).prefix(200)),
        String(both.dropFirst(240)),
      ]
    }
    let reply = ask(link, over: .tcp)
    #expect(reply.answer?.status == 401)
    #expect(reply.answer.map { "\($0)".contains("X: 1") } == true)
    #expect(reply.sendings == 1)
  }

  @Test("Who hangs up is asked once more on a new connection")
  func hangsUp() {
    let first = Played(stream: true) { _, _ in [""] }
    let second = Played(stream: true, watch: first.watch) { text, _ in [Self.answer(401, to: text)]
    }
    let line = StrangerLine(
      over: .tcp, patience: Self.patience(), first: first, now: { first.watch.now }
    ) { second }
    #expect(line.ask(invite()).answer?.status == 401)
  }

  @Test("Whoever talks without end is not listened to for longer than anybody")
  func flood() {
    final class Flood: ProbeLink {
      let local = Endpoint(.v4Loopback, 4000)
      let isStream: Bool
      let watch = Watch()
      init(stream: Bool) { isStream = stream }
      func send(_ bytes: [UInt8]) {}
      func receive(within time: Duration) -> [UInt8]? {
        watch.wait(.milliseconds(1))
        return Array("\r\n\r\n".utf8)
      }
      func close() {}
    }
    for isStream in [false, true] {
      let flood = Flood(stream: isStream)
      let start = flood.watch.now
      let line = StrangerLine(
        over: isStream ? .tcp : .udp, patience: Self.patience(.milliseconds(70)), first: flood,
        now: { flood.watch.now }
      ) { nil }
      #expect(line.ask(invite()).answer == nil)
      #expect(flood.watch.now - start < .seconds(2))
    }
  }

  @Test("When all of the time is used up nothing more is asked, and that is known")
  func whole() {
    var patience = Self.patience(.milliseconds(70), again: .milliseconds(10))
    patience.whole = .milliseconds(100)
    let link = Played { _, _ in [] }
    let line = StrangerLine(over: .udp, patience: patience, first: link, now: { link.watch.now }) {
      nil
    }
    for _ in 0..<3 { _ = line.ask(invite()) }
    #expect(line.isOver)
  }

  @Test("Words of a server are shown without what a terminal obeys")
  func words() {
    #expect(
      StrangerWords.shown("Evil\u{1B}[2J\u{9B}31m\u{202E}txt\u{200B} 1.0\n")
        == "Evil\u{FFFD}[2J\u{FFFD}31m\u{FFFD}txt\u{FFFD} 1.0\u{FFFD}")
    #expect(StrangerWords.shown(String(repeating: "a", count: 1_000)).count == 60)
  }

  @Test("RFC 6455 §5: frames of a server become messages, whichever way they are cut")
  func frames() {
    func frame(_ first: UInt8, _ payload: String) -> [UInt8] {
      [first, UInt8(payload.utf8.count)] + Array(payload.utf8)
    }
    let bytes = frame(0x89, "hi") + frame(0x01, "SIP/") + frame(0x80, "2.0") + frame(0x82, "x")
    for cut in 0...bytes.count {
      var reading = WebSocketReading()
      var items: [WebSocketReading.Item] = []
      for part in [bytes[..<cut], bytes[cut...]] {
        reading.append(Array(part))
        while let item = reading.next() { items.append(item) }
      }
      #expect(
        items == [
          .ping(Array("hi".utf8)), .message(Array("SIP/2.0".utf8)), .message(Array("x".utf8)),
        ])
    }
    for broken in [
      [0x81, 0x80, 0, 0, 0, 0], [0x80, 0], [0xC1, 0],
      [0x81, 127] + [UInt8](repeating: 255, count: 8),
    ] {
      var reading = WebSocketReading()
      reading.append(broken)
      #expect(reading.next() == .ended)
    }
    let sent = WebSocketReading.frame(.text, [1, 2, 3])
    #expect(Array(sent[..<2]) == [0x81, 0x83])
    #expect((0..<3).map { sent[6 + $0] ^ sent[2 + $0] } == [1, 2, 3])
    #expect(
      Array(WebSocketReading.frame(.text, [UInt8](repeating: 7, count: 300))[..<4]) == [
        0x81, 0xFE, 1, 44,
      ])
  }
}
