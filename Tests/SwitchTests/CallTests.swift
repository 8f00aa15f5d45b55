import Directory
import Elements
import Relay
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct CallTests {
  /// Two phones of the office, registered.
  private func pair(
    _ bench: Bench, _ manner: UserAgent.Manner = .answers(after: .seconds(2))
  ) -> (caller: UserAgent, callee: UserAgent) {
    let caller = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let callee = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    callee.manner = manner
    caller.register()
    callee.register()
    return (caller, callee)
  }

  @Test("RFC 3665 §3.1: INVITE, 180, 200, ACK, BYE, 200 through the switch, one record")
  func basicCall() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench)
    caller.call("102")
    bench.run(for: .seconds(5))
    #expect(caller.statuses() == [180, 200])
    #expect(callee.acknowledgements.count == 1)
    bench.run(for: .seconds(60))
    caller.hangUp()
    bench.run(for: .seconds(2))
    #expect(callee.received(.bye).count == 1)
    let record = try #require(bench.records.first)
    #expect(bench.records.count == 1)
    #expect(record.cause == .normal && record.endedBy == .caller && record.status == 200)
    #expect(record.direction == .internal && record.caller == "101" && record.dialled == "102")
    #expect((62...64).contains(record.talkTime.wholeMilliseconds / 1000))
    #expect(record.ringingAt != nil && record.payer == nil && record.sell == nil)
    #expect(record.legs.map(\.codecs) == [["PCMA"], ["PCMA"]])
    #expect(record.legs.first?.userAgent == "Phone/1.0")
    #expect(record.legs.last?.address == callee.endpoint)
    #expect(bench.core.calls.isEmpty && bench.core.owners.dialogs.isEmpty)
  }

  @Test(
    "A number of the own tenant rings inside, dialled or as a forward, and no carrier is paid for it"
  )
  func ownNumber() throws {
    var town = Town()
    town.office("103") { $0.forwards.always = "976 111 222" }
    let bench = try Bench(town)
    let (callee, caller) = pair(bench)
    callee.manner = .answers(after: .seconds(1))
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    for number in ["976111222", Town.ddi, "103"] {
      caller.call(number)
      bench.run(for: .seconds(3))
      caller.hangUp()
      bench.run(for: .seconds(1))
    }
    #expect(callee.received(.invite).count == 3 && carrier.received(.invite).isEmpty)
    #expect(bench.records.map(\.cause) == [.normal, .normal, .normal])
    #expect(bench.records.allSatisfy { $0.direction == .internal && $0.sell == nil })
    #expect(bench.records.first?.dialled == "976111222")
  }

  @Test("Topology: nothing of the caller's dialog or network reaches the other side")
  func topology() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench)
    caller.call("102", headers: [HeaderDraft(named: "X-Secret", Array("10.0.0.1".utf8))])
    bench.run(for: .seconds(1))
    let invite = try #require(callee.received(.invite).first)
    let text = String(decoding: invite.bytes, as: UTF8.self)
    #expect(!text.contains("198.51.100.7"))
    #expect(!text.contains("X-Secret") && !text.contains("Phone/1.0"))
    #expect(text.contains("c=IN IP4 192.0.2.1"))
    #expect(invite.text(.via)?.contains("192.0.2.1") == true && invite.lines(.via).count == 1)
    #expect(invite.maxForwards == 69)
    #expect(invite.fromURI.userText == "101" && invite.from.displayText == "Line 101")
  }

  @Test("Media: the session opens for both legs, is bridged by the answer and closed at the end")
  func media() throws {
    let bench = try Bench()
    let (caller, _) = pair(bench)
    caller.call("102")
    bench.run(for: .seconds(5))
    caller.hangUp()
    bench.run(for: .seconds(1))
    var words: [String] = []
    for command in bench.commands {
      switch command {
      case .open(_, let plan): words.append("open \(plan.legs.count)")
      case .update(_, let leg, let plan):
        words.append("update \(leg) \(plan.streams.first?.remote.map { "\($0)" } ?? "-")")
      case .bridge(_, let pair): words.append("bridge \(pair.first)-\(pair.second)")
      case .close: words.append("close")
      case .attach, .detach, .unbridge, .renew, .play, .stopPlaying, .inspect, .spare:
        words.append("?")
      }
    }
    #expect(
      words == [
        "open 2", "update 1 198.51.100.7:40000", "update 0 198.51.100.7:40000", "bridge 0-1",
        "close",
      ])
  }

  @Test("RFC 3665 §3.8: busy is passed on with its Q.850 cause")
  func busy() throws {
    let bench = try Bench()
    let (caller, _) = pair(bench, .refuses(486, []))
    caller.call("102")
    bench.run(for: .seconds(2))
    #expect(caller.statuses() == [486])
    #expect(caller.responses.last?.text(.reason)?.contains("cause=17") == true)
    #expect(bench.records.map(\.cause) == [.busy])
  }

  @Test(
    "RFC 3665 §3.9: nobody answers within the ring time: 480 with cause 19, the phone gets CANCEL")
  func noAnswer() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench, .rings)
    caller.call("102")
    bench.run(for: .seconds(65))
    #expect(caller.statuses() == [180, 480])
    #expect(caller.responses.last?.text(.reason)?.contains("cause=19") == true)
    #expect(callee.open.isEmpty)
    #expect(bench.records.map(\.cause) == [.noAnswer])
  }

  @Test(
    "An extension without a phone is 480 with cause 20, one that does not exist 404 with cause 1")
  func notThere() throws {
    let bench = try Bench()
    let (caller, _) = pair(bench)
    caller.call("104")
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 480)
    #expect(caller.responses.last?.text(.reason)?.contains("cause=20") == true)
    caller.call("199")
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 404)
    #expect(caller.responses.last?.text(.reason)?.contains("cause=1;") == true)
    #expect(bench.records.map(\.cause) == [.notRegistered, .unknownNumber])
  }

  @Test("RFC 3665 §3.8: CANCEL of the caller ends the ringing and is 487")
  func cancelled() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench, .rings)
    caller.call("102")
    bench.run(for: .seconds(3))
    caller.cancel()
    bench.run(for: .seconds(2))
    #expect(caller.statuses() == [180, 487])
    #expect(callee.open.isEmpty)
    #expect(bench.records.map(\.cause) == [.cancelled])
    #expect(bench.records.first?.endedBy == .caller)
  }

  @Test("RFC 3261 §9.1: a 200 that crosses CANCEL is acknowledged and ended with BYE")
  func cancelRace() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench, .waits)
    caller.call("102")
    bench.run(for: .seconds(1))
    let server = try #require(callee.open.first?.server)
    callee.answer(server, 180)
    bench.run(for: .seconds(1))
    caller.cancel()
    bench.run(for: .milliseconds(12))
    callee.answer(server, 200, body: Bench.sdp)
    bench.run(for: .seconds(2))
    #expect(callee.acknowledgements.count == 1)
    #expect(callee.received(.bye).count == 1)
    #expect(caller.statuses() == [180, 487])
    #expect(bench.records.count == 1 && bench.core.calls.isEmpty)
  }

  @Test("Early media of a single leg comes as 183 with a description, a ringing one as 180 without")
  func earlyMedia() throws {
    let bench = try Bench()
    let (caller, _) = pair(bench, .early(then: .seconds(3)))
    caller.call("102")
    bench.run(for: .seconds(1))
    #expect(caller.statuses() == [183])
    #expect(caller.responses.last?.body.isEmpty == false)
    #expect(bench.commands.contains { if case .bridge = $0 { true } else { false } })
    bench.run(for: .seconds(5))
    #expect(caller.statuses() == [183, 200])
  }

  @Test("RFC 3261 §21.1.5: progress without a description is none of a bell, and takes none back")
  func progress() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench, .waits)
    caller.call("102")
    bench.run(for: .seconds(1))
    let server = try #require(callee.open.first?.server)
    for (status, told) in [(183, [183]), (183, [183]), (180, [183, 180]), (183, [183, 180])]
      as [(StatusCode, [UInt16])]
    {
      callee.answer(server, status)
      bench.run(for: .seconds(1))
      #expect(caller.statuses() == told)
    }
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("Where several may answer no early media are passed: the caller's phone rings by itself")
  func severalEarly() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench, .waits)
    let other = UserAgent(bench, user: "102", address: "198.51.100.9:5066")
    other.register()
    caller.call("102")
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 183, body: Bench.sdp)
    bench.run(for: .seconds(1))
    #expect(other.open.count == 1 && caller.statuses() == [180])
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test(
    "RFC 3262: early media is sent reliably to a caller that supports it, and PRACK is answered")
  func reliable() throws {
    let bench = try Bench()
    let (caller, _) = pair(bench, .early(then: .seconds(3)))
    caller.call("102", headers: [HeaderDraft(.supported, "100rel")])
    bench.run(for: .seconds(1))
    let progress = try #require(caller.responses.last)
    #expect(progress.status == 183 && progress.require.contains("100rel"))
    #expect(progress.rseq != nil)
  }

  @Test("RFC 3262 §4: a reliable 183 of the called side gets our PRACK")
  func prack() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench, .waits)
    caller.call("102")
    bench.run(for: .seconds(1))
    let server = try #require(callee.open.first?.server)
    callee.answer(server, 183, body: Bench.sdp, reliably: true)
    bench.run(for: .seconds(1))
    #expect(callee.received(.prack).count == 1)
    callee.answer(server, 200)
    bench.run(for: .seconds(1))
    #expect(caller.statuses() == [183, 200])
    #expect(bench.records.isEmpty)
  }

  @Test("A late offer: the 200 brings the called side's offer, the ACK the caller's answer")
  func lateOffer() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench)
    caller.lateAnswer = Bench.sdp
    caller.call("102", body: .some(nil))
    bench.run(for: .seconds(5))
    let answer = try #require(caller.responses.last)
    #expect(answer.status == 200 && !answer.body.isEmpty)
    #expect(callee.received(.invite).first?.body.isEmpty == true)
    let ack = try #require(callee.acknowledgements.first)
    #expect(!ack.body.isEmpty)
    #expect(bench.commands.contains { if case .bridge = $0 { true } else { false } })
    callee.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.endedBy) == [.callee])
  }

  @Test("RFC 3261 §13.3.1.4: without an ACK both sides get BYE")
  func unacknowledged() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench)
    caller.acknowledges = false
    caller.call("102")
    bench.run(for: .seconds(60))
    #expect(callee.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.unacknowledged])
    #expect(bench.core.calls.isEmpty)
  }

  @Test("A call whose media has died on both sides is ended with BYE to both")
  func silence() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench)
    caller.call("102")
    bench.run(for: .seconds(5))
    bench.happen(.relay(.silent(MediaSessionID(1), since: bench.now.instant)))
    bench.run(for: .seconds(1))
    #expect(caller.received(.bye).count == 1 && callee.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.mediaSilent])
  }

  @Test("A side that is not heard for long while the other speaks stands in the record")
  func oneWay() throws {
    let bench = try Bench()
    let (caller, _) = pair(bench)
    caller.call("102")
    bench.run(for: .seconds(5))
    bench.happen(.relay(.oneWay(MediaSessionID(1), leg: 1, since: bench.now.instant)))
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.first?.legs.map(\.unheard) == [false, true])
  }

  @Test("An operator hangs up one call")
  func hangUp() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench)
    caller.call("102")
    bench.run(for: .seconds(5))
    guard case .calls(let list)? = bench.ask(.calls(nil)), let call = list.first else {
      Issue.record("no call is listed")
      return
    }
    #expect(call.state == "talking" && call.caller == "101")
    bench.command(.hangUp(call.call))
    bench.run(for: .seconds(1))
    #expect(caller.received(.bye).count == 1 && callee.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.operatorAction])
  }

  @Test("Draining takes no new calls, lets running ones end and then says so")
  func drain() throws {
    let bench = try Bench()
    let (caller, _) = pair(bench)
    caller.call("102")
    bench.run(for: .seconds(5))
    bench.command(.drain)
    let second = UserAgent(bench, user: "103", address: "198.51.100.9:5062")
    second.call("101")
    bench.run(for: .seconds(1))
    #expect(second.lastStatus == 503)
    bench.publications.removeAll()
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.publications.contains { if case .drained = $0 { true } else { false } })
  }

  @Test("A directory change takes force with the next call and leaves the running one alone")
  func liveChange() throws {
    let bench = try Bench()
    let (caller, callee) = pair(bench)
    caller.call("102")
    bench.run(for: .seconds(5))
    bench.town.document.tenants[0].numbers = []
    bench.town.office("101") { $0.callerID.number = nil }
    bench.town.document.tenants[0].extensions.removeAll { $0.number == "102" }
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(10))
    #expect(callee.received(.bye).isEmpty)
    let second = UserAgent(bench, user: "103", address: "198.51.100.9:5062")
    second.call("102")
    bench.run(for: .seconds(1))
    #expect(second.lastStatus == 404)
  }
}
