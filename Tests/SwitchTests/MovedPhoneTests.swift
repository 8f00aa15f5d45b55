import Elements
import Relay
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A phone in a call comes to another network: its signalling is followed once it has proven itself, and with it its media.
@Suite struct MovedPhoneTests {
  private static let elsewhere = "203.0.113.9:7777"

  /// Where the relay was last told that the party of a leg signals from; nil: nothing since `start`.
  private func source(ofLeg leg: Int, in bench: Bench, since start: Int) -> IPAddress? {
    bench.commands.dropFirst(start).compactMap { command -> LegPlan? in
      if case .update(_, leg, let plan) = command { plan } else { nil }
    }.last?.signallingSource
  }

  /// The caller says something in its dialog from where it is now, and proves itself.
  private func prove(
    _ caller: UserAgent, _ method: Method, _ body: BodyDraft?, in bench: Bench
  ) throws {
    let moved = try #require(Endpoint(Self.elsewhere))
    (caller.source, bench.agents[moved]) = (moved, caller)
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(method, body: body))
    bench.run(for: .milliseconds(500))
    let challenge = try #require(caller.responses.last)
    #expect(challenge.status == 401)
    let account = DigestAccount(user: "101", realm: Town.domain, password: Secret(Town.password))
    var dice = Dice.seeded(SplitMix(seed: 5))
    let header = try #require(
      account.answer(challenge, method: method, uri: URI(host: .name(Town.domain)), dice: &dice))
    caller.send(in: dialog, RequestDraft(method, headers: [header], body: body))
    bench.run(for: .milliseconds(500))
  }

  @Test("A phone that registers from another address takes the media of its call along")
  func registers() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    callee.register(callID: "own")
    let start = bench.commands.count
    let moved = UserAgent(bench, user: "102", address: Self.elsewhere)
    moved.register(contact: callee.contact(), callID: "own", cseq: 10)
    #expect(source(ofLeg: 1, in: bench, since: start) == moved.endpoint.address)
    #expect(source(ofLeg: 0, in: bench, since: start) == nil)
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.requests("BYE", to: moved.endpoint).count == 1)
  }

  @Test("A phone that registers from another port opens learning: its media may have another, too")
  func anotherPort() throws {
    let bench = try Bench()
    let (_, callee) = bench.twoPhonesTalking()
    let start = bench.commands.count
    let moved = UserAgent(bench, user: "102", address: "\(callee.endpoint.address):7777")
    moved.register(contact: callee.contact())
    #expect(source(ofLeg: 1, in: bench, since: start) == callee.endpoint.address)
    #expect(source(ofLeg: 0, in: bench, since: start) == nil)
  }

  @Test("A proven UPDATE without an offer from another address takes its media along")
  func saysNothing() throws {
    let bench = try Bench()
    let (caller, _) = bench.twoPhonesTalking()
    let start = bench.commands.count
    try prove(caller, .update, nil, in: bench)
    #expect(caller.lastStatus == 200)
    #expect(source(ofLeg: 0, in: bench, since: start) == Endpoint(Self.elsewhere)?.address)
  }

  @Test("A proven re-INVITE from another address takes its media along, of the same session too")
  func offersTheSame() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    let start = bench.commands.count
    try prove(caller, .invite, .sdp(Array(Bench.sdp.utf8)), in: bench)
    #expect(caller.lastStatus == 200 && callee.received(.invite).count == 1)
    #expect(source(ofLeg: 0, in: bench, since: start) == Endpoint(Self.elsewhere)?.address)
  }

  @Test("A new offer that is refused leaves the session as it was, at the new address")
  func refused() throws {
    let bench = try Bench()
    let (caller, callee) = bench.twoPhonesTalking()
    callee.refusals[.invite] = 488
    let start = bench.commands.count
    let offer = Bench.sdp.replacing("1 1 IN", with: "1 2 IN").replacing(
      "sendrecv", with: "sendonly")
    try prove(caller, .invite, .sdp(Array(offer.utf8)), in: bench)
    #expect(caller.lastStatus == 488)
    #expect(source(ofLeg: 0, in: bench, since: start) == Endpoint(Self.elsewhere)?.address)
  }

  @Test("Who has not proven himself moves nothing")
  func stranger() throws {
    let bench = try Bench()
    let (caller, _) = bench.twoPhonesTalking()
    let start = bench.commands.count
    caller.source = Endpoint(Self.elsewhere)
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(Bench.sdp.utf8))))
    bench.run(for: .seconds(1))
    #expect(bench.commands.count == start)
  }

  @Test("The same offer again opens learning: the NAT may have another port for the media")
  func refreshed() throws {
    let bench = try Bench()
    let (caller, _) = bench.twoPhonesTalking()
    let start = bench.commands.count
    let dialog = try #require(caller.dialog)
    caller.send(in: dialog, RequestDraft(.invite, body: .sdp(Array(Bench.sdp.utf8))))
    bench.run(for: .seconds(1))
    #expect(source(ofLeg: 0, in: bench, since: start) == caller.endpoint.address)
  }

  @Test("So does the same answer to our own offer")
  func refreshing() throws {
    let bench = try Bench { $0.calls.sessionSeconds = 120 }
    let (caller, callee) = bench.twoPhones()
    (caller.manner, callee.manner) = (.answers(after: .zero), .answers(after: .seconds(1)))
    caller.call("102", headers: [HeaderDraft(.allow, "INVITE")])
    bench.run(for: .seconds(3))
    let start = bench.commands.count
    bench.run(for: .seconds(70))
    #expect(caller.received(.invite).count == 1)
    #expect(source(ofLeg: 0, in: bench, since: start) == caller.endpoint.address)
  }
}
