import Elements
import SIPSyntax
import TestKit
import Testing

@testable import SIP

@Suite struct HelperTests {
  private func request(_ headers: String) throws -> Message {
    try message(
      """
      INVITE sip:bob@192.0.2.2 SIP/2.0
      Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1
      From: <sip:alice@192.0.2.1>;tag=a
      To: <sip:bob@192.0.2.2>
      Call-ID: c
      CSeq: 1 INVITE
      \(headers)
      """)
  }

  @Test("A16: Max-Forwards of zero is not forwarded, each hop costs one")
  func hops() throws {
    #expect(HopBudget(try request("Max-Forwards: 0")).maxForwards == 0)
    #expect(HopBudget(try request("Max-Forwards: 0")).share(among: 1).maxForwards == 0)
    let more = HopBudget(try request("Max-Forwards: 5"))
    #expect(more.share(among: 1) == HopBudget(maxForwards: 4, maxBreadth: 60))
    #expect(HopBudget(try request("")).maxForwards == 70)
  }

  @Test("A15, RFC 5393 §5.3.3: breadth is shared out and never grows")
  func breadth() throws {
    let budget = HopBudget(try request("Max-Breadth: 5"))
    #expect((1...6).map { budget.share(among: $0).maxBreadth } == [5, 2, 1, 1, 1, 0])
    #expect(HopBudget(try request("Max-Breadth: 4000000000")).maxBreadth == 60)
    #expect(budget.header == HeaderDraft(.maxBreadth, "5"))
    // Two addresses that fork to each other: the sum of branches stays under the first budget.
    var open = [HopBudget()]
    for _ in 0..<10 {
      open = open.flatMap {
        Array(repeating: $0.share(among: 2), count: Int(min($0.maxBreadth, 2)))
      }
      #expect(open.count <= 60)
    }
    #expect(open.isEmpty)
  }

  @Test("RFC 3261 §20.33, RFC 3326: what a refusal may say besides")
  func refusal() {
    let draft = ResponseDraft.refusal(
      503, retryAfterSeconds: 30, reason: Reason.q850(41, text: "no way out"))
    #expect(
      draft.headers == [
        HeaderDraft(.retryAfter, "30"),
        HeaderDraft(.reason, #"Q.850;cause=41;text="no way out""#),
      ])
    #expect(ResponseDraft.refusal(486).headers.isEmpty)
  }

  @Test(
    "RFC 5626 §4.4, §5.2: asked within the interval, dead ten seconds later",
    arguments: [
      (Transport.tcp, Int64(96_000)...120_000), (.udp, 23_200...29_000),
    ])
  func keepAlive(transport: Transport, interval: ClosedRange<Int64>) throws {
    var dice = Dice.seeded(SplitMix(seed: 5_626))
    for _ in 0..<50 {
      var keepAlive = KeepAlive(transport: transport, dice: &dice, at: ms(0))
      var effects: [KeepAlive.Effect] = []
      let asked = try #require(keepAlive.deadline)
      #expect(interval.contains((asked - .start).wholeMilliseconds))
      keepAlive.handleDeadline(at: asked - .milliseconds(1), into: &effects)
      #expect(effects.isEmpty)
      keepAlive.handleDeadline(at: asked, into: &effects)
      #expect(effects == [.send])
      var alive = keepAlive
      alive.heard(dice: &dice, at: asked)
      #expect(alive.deadline.map { $0 > asked + .seconds(20) } ?? false)
      keepAlive.handleDeadline(at: asked + .seconds(10), into: &effects)
      #expect(effects == [.send, .dead])
      #expect(keepAlive.deadline == nil)
      keepAlive.handleDeadline(at: asked + .seconds(99), into: &effects)
      #expect(effects.count == 2)
    }
  }

  @Test("A dialog from a journal can be ended by BYE")
  func restored() throws {
    var core = SIPCore(dice: .seeded(SplitMix(seed: 1)))
    let flow = Flow.udp("192.0.2.2:5060", "192.0.2.1:5060")
    func restore(_ local: String) throws -> DialogID? {
      core.restoreDialog(
        callID: Array("c".utf8), local: Array(local.utf8),
        remote: Array("<sip:alice@192.0.2.1>;tag=a".utf8),
        target: try URI("sip:alice@192.0.2.1:5062"),
        routes: [Array("<sip:p.example.com;lr>".utf8)], sequence: 100, flow: flow,
        destination: .flow(flow))
    }
    #expect(try restore("<sip:bob@192.0.2.2>") == nil)
    let id = try #require(try restore("<sip:bob@192.0.2.2>;tag=b"))
    #expect(try restore("<sip:bob@192.0.2.2>;tag=b") == id)
    var effects: [Transmission] = []
    _ = try core.send(RequestDraft(.bye), in: id, at: now(0), effects: &effects)
    let bye = try parse(try #require(effects.first))
    #expect(bye.cseq == CSeq(number: 101, method: .bye))
    #expect(bye.requestURI?.description == "sip:alice@192.0.2.1:5062")
    #expect(bye.field(.route) == "<sip:p.example.com;lr>")
    #expect(bye.field(.from) == "<sip:bob@192.0.2.2>;tag=b")
    var events: [SIPEvent] = []
    let answer = MessageBuilder(responseTo: bye, 481, source: nil, toTag: nil)
    core.receive(
      answer.finish(), on: flow, at: now(9), events: &events, effects: &effects)
    #expect(events.map(\.summary) == ["response 481"])
    #expect(core.dialog(id) == nil)
  }
}
