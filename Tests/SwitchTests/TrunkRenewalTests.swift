import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A registration with a carrier that may know nothing of it any more, or that fails while it still holds.
@Suite struct TrunkRenewalTests {
  @Test("RFC 5626 §4.4: when the connection that it was accepted on ends, it is renewed at once")
  func connectionEnds() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0, over: "tcp")
    carrier.connection = FlowID(7)
    bench.run(for: .seconds(90))
    #expect(carrier.received(.register).count == 1)
    bench.happen(.flowClosed(FlowID(8)))
    bench.run(for: .seconds(1))
    #expect(carrier.received(.register).count == 1)
    carrier.connection = FlowID(9)
    bench.happen(.flowClosed(FlowID(7)))
    bench.run(for: .seconds(1))
    #expect(carrier.received(.register).count == 2)
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("A carrier that closes each connection behind its answer is not asked without end")
  func closesEach() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0, over: "tcp")
    for number in 1...290 {
      carrier.connection = FlowID(UInt64(number))
      bench.run(for: .seconds(1))
      bench.happen(.flowClosed(FlowID(UInt64(number))))
    }
    #expect(carrier.received(.register).count <= 5)
  }

  @Test("A connection that ends soon after the acceptance: it is renewed when a minute is over")
  func connectionEndsEarly() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0, over: "tcp")
    carrier.connection = FlowID(7)
    bench.run(for: .seconds(20))
    bench.happen(.flowClosed(FlowID(7)))
    carrier.connection = FlowID(9)
    bench.run(for: .seconds(20))
    #expect(carrier.received(.register).count == 1)
    bench.run(for: .seconds(30))
    #expect(carrier.received(.register).count == 2)
    bench.run(for: .seconds(200))
    #expect(carrier.received(.register).count == 2)
  }

  @Test(
    "A refresh that fails brings nothing down while the carrier has what it accepted",
    arguments: [500, nil] as [StatusCode?], [0, 30])
  func refreshFails(status: StatusCode?, probe: Int) throws {
    let (bench, phone, carrier) = try Bench.registering(probe: probe)
    bench.run(for: .seconds(60))
    carrier.registrar = { _ in status.map { ResponseDraft($0) } }
    carrier.ignoresRegister = status == nil
    bench.run(for: .seconds(500))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(bench.reason(ofTrunk: "carrier")?.contains("its registration was not renewed") == true)
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(carrier.received(.invite).count == 1)
    bench.run(for: .seconds(100))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    carrier.ignoresRegister = false
    carrier.registrar = nil
    bench.run(for: .seconds(900))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(bench.reason(ofTrunk: "carrier") == "")
  }

  @Test("A carrier that was silent and is back may have begun anew: it is registered with at once")
  func backAgain() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 30)
    bench.run(for: .seconds(20))
    carrier.mute = true
    bench.run(for: .seconds(200))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    let before = carrier.received(.register).count
    #expect(before == 1)
    carrier.mute = false
    bench.run(for: .seconds(50))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(carrier.received(.register).count == 2)
  }

  @Test("A connection that ends at the moment of the acceptance is not overheard")
  func connectionEndsAtOnce() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0, over: "tcp")
    carrier.connection = FlowID(7)
    let registration = { bench.core.trunks.values.compactMap(\.registration).first }
    while registration()?.connection != FlowID(7), bench.now.instant < .start + .seconds(60) {
      bench.run(for: .milliseconds(1))
    }
    #expect(registration()?.acceptedAt == bench.now.instant)
    bench.happen(.flowClosed(FlowID(7)))
    carrier.connection = FlowID(9)
    bench.run(for: .seconds(65))
    #expect(carrier.received(.register).count == 2)
  }

  @Test(
    "A carrier that says no is asked with growing pauses, whatever else it answers",
    arguments: [500, 407, 401] as [StatusCode])
  func growingPause(status: StatusCode) throws {
    let (bench, _, carrier) = try Bench.registering(probe: 30)
    bench.run(for: .seconds(20))
    let header: HeaderName = status == 407 ? .proxyAuthenticate : .wwwAuthenticate
    carrier.registrar = { _ in
      let challenge = HeaderDraft(
        header, "Digest realm=\"carrier.example\", nonce=\"n\", algorithm=MD5, qop=\"auth\"")
      return ResponseDraft(status, headers: status == 500 ? [] : [challenge])
    }
    bench.run(for: .seconds(700))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    let before = carrier.received(.register).count
    bench.run(for: .seconds(3_600))
    #expect((4...14).contains(carrier.received(.register).count - before))
  }

  @Test("What is granted to somebody else at the carrier says nothing of ours")
  func othersContact() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0)
    carrier.registrar = { request in
      let mine = request.text(.contact) ?? ""
      let both = "<sip:martinet@203.0.113.1>;expires=5, \(mine);expires=600"
      var answer = ResponseDraft(200, headers: [HeaderDraft(.contact, both)])
      answer.contact = .none
      return answer
    }
    bench.run(for: .seconds(290))
    #expect(carrier.received(.register).count == 1)
    bench.run(for: .seconds(20))
    #expect(carrier.received(.register).count == 2)
  }

  @Test("A refresh that finds its connection dead goes out on a new one at once")
  func deadConnection() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0, over: "tcp")
    carrier.connection = FlowID(7)
    bench.run(for: .seconds(290))
    #expect(carrier.received(.register).count == 1)
    bench.closed[carrier.endpoint] = "reset"
    let before = bench.sent.count
    while bench.sent.count == before, bench.now.instant < .start + .seconds(400) {
      bench.run(for: .milliseconds(1))
    }
    bench.closed = [:]
    bench.run(for: .seconds(1))
    #expect(carrier.received(.register).count == 2)
    #expect(bench.reason(ofTrunk: "carrier") == "")
  }

  @Test("The end of a REGISTER to where the trunk was before says nothing of where it is now")
  func movedMeanwhile() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0)
    bench.run(for: .seconds(1))
    bench.deaf.insert(carrier.endpoint)
    bench.run(for: .seconds(300))
    let other = UserAgent(bench, user: "", address: "192.0.2.52:5060", domain: "carrier.example")
    bench.town.document.trunks[0].address = "sip:192.0.2.52:5060;transport=udp"
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(2))
    #expect(other.received(.register).count == 1)
    bench.run(for: .seconds(60))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(bench.reason(ofTrunk: "carrier") == "")
    #expect(other.received(.register).count == 1)
  }
}
