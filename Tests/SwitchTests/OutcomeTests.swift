import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// What the caller is answered and the record says where a call or an offer comes to nothing.
@Suite struct OutcomeTests {
  private func ends(
    _ town: Town = Town()
  ) throws -> (
    bench: Bench, phone: UserAgent, other: UserAgent, carrier: UserAgent
  ) {
    let bench = try Bench(town)
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let other = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    for agent in [phone, other] { agent.register() }
    return (bench, phone, other, carrier)
  }

  @Test(
    "RFC 3261 §15.1.2: BYE of the caller while it rings is a cancelled call, its INVITE gets 487")
  func earlyBye() throws {
    let (bench, phone, other, _) = try ends()
    other.manner = .rings
    phone.call("102")
    bench.run(for: .seconds(1))
    phone.send(in: try #require(phone.core.dialogIDs.first), RequestDraft(.bye))
    bench.run(for: .seconds(1))
    #expect(phone.statuses() == [180, 487] && phone.statuses(.bye) == [200])
    #expect(bench.requests("CANCEL", to: other.endpoint).count == 1)
    let record = try #require(bench.records.first)
    #expect(record.cause == .cancelled && record.endedBy == .caller && record.status == 487)
  }

  @Test("A phone that fails is no network that fails")
  func failingPhone() throws {
    let (bench, phone, other, _) = try ends()
    other.manner = .refuses(500, [HeaderDraft(.retryAfter, "7")])
    phone.call("102")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 500)
    #expect(phone.responses.last?.text(.retryAfter) == "7")
    #expect(phone.responses.last?.text(.reason)?.contains("cause=41") == true)
    let record = try #require(bench.records.first)
    #expect(record.cause == .failure && record.endedBy == .callee)
  }

  @Test("RFC 3261 §16.7: a 503 that is not ours does not say that we are out of service")
  func outOfService() throws {
    let (bench, phone, other, carrier) = try ends()
    let busy = UserAgent.Manner.refuses(503, [HeaderDraft(.retryAfter, "3600")])
    other.manner = busy
    phone.call("102")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 500 && phone.responses.last?.has(.retryAfter) == false)
    #expect(phone.responses.last?.text(.reason)?.contains("cause=41") == true)
    #expect(bench.records.last?.cause == .failure && bench.records.last?.endedBy == .callee)
    phone.manner = busy
    carrier.call(
      Town.ddi, target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
    bench.run(for: .seconds(1))
    #expect(carrier.lastStatus == 480 && carrier.responses.last?.has(.retryAfter) == false)
    // No trunk that takes the call is a want of ours, but how long is not for the carrier to say.
    carrier.manner = busy
    bench.deaf.insert(try #require(Endpoint("192.0.2.51:5060")))
    phone.call("976333444")
    bench.run(for: .seconds(40))
    #expect(phone.lastStatus == 503 && phone.responses.last?.text(.retryAfter) == "30")
  }

  @Test("No free channel, and no trunk that could be asked, are our own doing in the record")
  func endedByUs() throws {
    var town = Town()
    town.document.tenants[0].trunks = ["carrier"]
    town.document.trunks[0].channels = 1
    let (bench, phone, other, carrier) = try ends(town)
    carrier.manner = .rings
    other.call("976333444")
    bench.run(for: .seconds(1))
    phone.call("976333555")
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.cause) == [.noChannel])
    #expect(bench.records.map(\.endedBy) == [.system])
    other.cancel()
    bench.run(for: .seconds(1))
    carrier.manner = .refuses(503, [])
    phone.call("976333555")
    bench.run(for: .seconds(1))
    #expect(bench.records.last?.cause == .trunkFailure && bench.records.last?.endedBy == .callee)
  }

  @Test("A24: a From that is not the account's is named as the reason of the 403")
  func misnamed() throws {
    let (bench, phone, _, _) = try ends()
    phone.call("103", from: phone.address("102"))
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 403)
    for field in [HeaderName.warning, .reason] {
      #expect(
        phone.responses.last?.text(field)?.contains("From is not an extension of this account")
          == true
      )
    }
  }

  @Test(
    "The refusal of an offer is passed back with its status, but for what it asks of us",
    arguments: [(500, 500), (503, 500), (400, 400), (488, 488), (407, 488), (420, 488)]
      as [(StatusCode, UInt16)])
  func refusedOffer(status: StatusCode, passed: UInt16) throws {
    let (bench, phone, other, _) = try ends()
    other.manner = .answers(after: .seconds(1))
    phone.call("102")
    bench.run(for: .seconds(3))
    other.manner = .waits
    let held = Bench.sdp.replacing("a=sendrecv", with: "a=sendonly")
    phone.send(
      in: try #require(phone.dialog), RequestDraft(.invite, body: .sdp(Array(held.utf8))))
    bench.run(for: .seconds(1))
    other.answer(
      try #require(other.open.last?.server), status, headers: [HeaderDraft(.retryAfter, "7")])
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == passed)
    #expect(phone.responses.last?.text(.retryAfter) == "7")
    #expect(bench.core.calls.count == 1)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "RFC 3261 §15.1.2: an offer that waits when the call ends gets 487, whoever ends it",
    arguments: ["caller", "callee", "operator"], [Method.invite, .update])
  func offerAtTheEnd(party: String, method: Method) throws {
    let (bench, phone, other, _) = try ends()
    other.manner = .answers(after: .seconds(1))
    phone.call("102")
    bench.run(for: .seconds(3))
    other.manner = .waits
    other.answersUpdate = false
    let held = Bench.sdp.replacing("a=sendrecv", with: "a=sendonly")
    phone.send(in: try #require(phone.dialog), RequestDraft(method, body: .sdp(Array(held.utf8))))
    bench.run(for: .milliseconds(500))
    #expect(other.received(method).last?.toTag != nil && bench.core.calls.count == 1)
    switch party {
    case "caller": phone.hangUp()
    case "callee": other.hangUp()
    case _: _ = bench.ask(.hangUpAll)
    }
    bench.run(for: .seconds(1))
    #expect(phone.statuses(method).last == 487)
    #expect(bench.requests("CANCEL", to: other.endpoint).count == (method == .invite ? 1 : 0))
    bench.run(for: .seconds(60))
    #expect(bench.core.calls.isEmpty && bench.core.sip.isAtRest)
    #expect(phone.statuses(method).last == 487)
  }

  @Test("RFC 3261 §13.2.2.4: an answer that crosses the end of the call is acknowledged")
  func answerAtTheEnd() throws {
    let (bench, phone, other, _) = try ends()
    other.manner = .answers(after: .seconds(1))
    phone.call("102")
    bench.run(for: .seconds(3))
    (other.manner, other.answersBye) = (.waits, false)
    let held = Bench.sdp.replacing("a=sendrecv", with: "a=sendonly")
    phone.send(
      in: try #require(phone.dialog), RequestDraft(.invite, body: .sdp(Array(held.utf8))))
    bench.run(for: .milliseconds(500))
    let reinvite = try #require(other.open.last?.server)
    let before = other.acknowledgements.count
    phone.hangUp()
    bench.run(for: .milliseconds(5))
    other.answer(reinvite, 200, body: held)
    bench.run(for: .seconds(1))
    #expect(phone.statuses().last == 487)
    #expect(other.acknowledgements.count == before + 1)
    bench.run(for: .seconds(60))
    #expect(bench.core.calls.isEmpty && bench.core.sip.isAtRest)
  }

  @Test("RFC 3261 §20.37: Supported names what we do; what we refuse is not understood in Require")
  func supported() throws {
    let (bench, phone, _, _) = try ends()
    func options(_ headers: [HeaderDraft] = []) throws -> Message {
      var draft = RequestDraft(
        .options, target: URI(host: .name(Town.domain)), from: phone.address("101"),
        to: phone.address("101"))
      draft.headers = headers
      phone.send(draft)
      bench.run(for: .seconds(1))
      return try #require(phone.responses.last)
    }
    #expect(try options().text(.supported) == "100rel, timer, path, outbound")
    for option in ["replaces", "norefersub"] {
      let answer = try options([HeaderDraft(.require, option)])
      #expect(answer.status == 420 && answer.text(.unsupported) == option)
    }
  }

  @Test("RFC 3261 §20.5: Allow lists what we do, and nothing that we always refuse")
  func allow() throws {
    let (bench, phone, _, _) = try ends()
    phone.send(
      RequestDraft(
        .options, target: URI(host: .name(Town.domain)), from: phone.address("101"),
        to: phone.address("101")))
    bench.run(for: .seconds(1))
    let answer = try #require(phone.responses.last)
    #expect(
      answer.text(.allow) == "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, UPDATE, PRACK, INFO")
  }
}
