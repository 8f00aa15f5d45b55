import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Calls that a phone sends on with a 3xx, and what those it leads to are told.
@Suite struct RedirectTests {
  private func phones(
    byPhone: Bool = true, _ change: (inout ForwardEntry) -> Void = { _ in }
  ) throws -> (bench: Bench, caller: UserAgent, callee: UserAgent, third: UserAgent) {
    var town = Town()
    for number in ["102", "103"] { town.office(number) { $0.forwards.byPhone = byPhone } }
    town.office("102") { change(&$0.forwards) }
    let bench = try Bench(town)
    let (caller, callee) = bench.twoPhones()
    let third = UserAgent(bench, user: "103", address: "198.51.100.9:5066")
    third.register()
    return (bench, caller, callee, third)
  }

  private func moved(_ contacts: String...) -> UserAgent.Manner {
    .refuses(302, contacts.map { HeaderDraft(.contact, $0) })
  }

  @Test("RFC 3261 §20.10: of the contacts of a 302 the one with the highest q is dialled")
  func preference() throws {
    let (bench, caller, callee, third) = try phones()
    callee.manner = moved(
      "<sip:104@192.0.2.9>;q=0.2", "<sip:192.0.2.9>;q=0.9", "<sip:103@192.0.2.9>;q=0.7")
    third.manner = .answers(after: .seconds(1))
    caller.call("102")
    bench.run(for: .seconds(3))
    #expect(caller.lastStatus == 200 && third.received(.invite).count == 1)
  }

  @Test("A 302 to its own extension, or in a circle of two, ends at the first repetition")
  func circles() throws {
    let (bench, caller, callee, third) = try phones()
    callee.manner = moved("<sip:102@192.0.2.9>")
    caller.call("102")
    bench.run(for: .seconds(3))
    #expect(caller.lastStatus == 482 && callee.received(.invite).count == 1)
    callee.manner = moved("<sip:103@192.0.2.9>")
    third.manner = moved("<sip:102@192.0.2.9>")
    caller.call("102")
    bench.run(for: .seconds(3))
    #expect(caller.lastStatus == 482)
    #expect(callee.received(.invite).count == 3 && third.received(.invite).count == 1)
    #expect(bench.records.map(\.cause) == [.loop, .loop])
  }

  @Test("A 302 of a phone that may not forward is declined, and no answer that did not come")
  func refused() throws {
    let (bench, caller, callee, _) = try phones(byPhone: false)
    callee.manner = moved("<sip:103@192.0.2.9>")
    caller.call("102")
    bench.run(for: .seconds(3))
    #expect(caller.lastStatus == 480)
    let record = try #require(bench.records.first)
    #expect(record.cause == .declined && record.endedBy == .callee)
  }

  @Test(
    "RFC 5806: a phone is told who sent the call on, and why",
    arguments: ["unconditional", "user-busy", "no-answer", "unavailable", "deflection"])
  func diversion(_ reason: String) throws {
    let (bench, caller, callee, third) = try phones {
      switch reason {
      case "unconditional": $0.always = "103"
      case "user-busy": $0.busy = "103"
      case "no-answer": ($0.noAnswer, $0.noAnswerSeconds) = ("103", 5)
      case "unavailable": $0.notRegistered = "103"
      case _: break
      }
    }
    switch reason {
    case "user-busy": callee.manner = .refuses(486, [])
    case "no-answer": callee.manner = .rings
    case "unavailable": callee.register(expires: 0)
    case _: callee.manner = moved("<sip:103@192.0.2.9>")
    }
    caller.call("102")
    bench.run(for: .seconds(7))
    let diversion = try #require(try third.received(.invite).first?.diversions().first)
    #expect(diversion.reason == reason && diversion.uri.user == Array("102".utf8))
    #expect(callee.received(.invite).allSatisfy { !$0.has(.diversion) })
  }

  @Test("Of two phones the one that sends the call on is heeded, whether or not the other is busy")
  func busyBeside() throws {
    for movesFirst in [true, false] {
      let (bench, caller, callee, third) = try phones { $0.busy = "104" }
      let other = UserAgent(bench, user: "102", address: "198.51.100.8:5070")
      let fourth = UserAgent(bench, user: "104", address: "198.51.100.9:5068")
      other.register()
      fourth.register()
      caller.call("102")
      bench.run(for: .seconds(1))
      let answers: [(UserAgent, StatusCode, [HeaderDraft])] = [
        (callee, 302, [HeaderDraft(.contact, "<sip:103@192.0.2.9>")]), (other, 486, []),
      ]
      for (phone, status, headers) in movesFirst ? answers : answers.reversed() {
        phone.answer(try #require(phone.open.first?.server), status, headers: headers)
      }
      bench.run(for: .seconds(1))
      #expect(third.open.count == 1 && fourth.requests.allSatisfy { $0.method != .invite })
      third.answer(try #require(third.open.first?.server), 480)
      bench.run(for: .seconds(1))
      #expect(caller.lastStatus == 480 && fourth.received(.invite).isEmpty)
      #expect(bench.loadAtRest().isAtRest)
    }
  }

  @Test("A 302 that crosses our CANCEL sends nothing on, and the record does not have it")
  func crossing() throws {
    let (bench, caller, callee, third) = try phones()
    let other = UserAgent(bench, user: "102", address: "198.51.100.8:5070")
    other.heedsCancel = false
    other.register()
    caller.call("102")
    bench.run(for: .seconds(1))
    other.answer(try #require(other.open.first?.server), 180)
    bench.run(for: .seconds(1))
    callee.answer(try #require(callee.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    other.answer(
      try #require(other.open.first?.server), 302,
      headers: [HeaderDraft(.contact, "<sip:103@192.0.2.9>")])
    bench.run(for: .seconds(1))
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(third.received(.invite).isEmpty)
    let record = try #require(bench.records.first)
    #expect(record.cause == .normal && record.forwardedBy == nil)
    #expect(bench.loadAtRest().isAtRest)
  }

  @Test("Nobody ended a call for which nobody was there, or that nobody answered")
  func nobody() throws {
    let (bench, caller, callee, third) = try phones()
    third.register(expires: 0)
    caller.call("103")
    bench.run(for: .seconds(1))
    callee.manner = .rings
    caller.call("102")
    bench.run(for: .seconds(200))
    callee.manner = .refuses(480, [])
    caller.call("102")
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.endedBy) == [.system, .system, .callee])
  }
}
