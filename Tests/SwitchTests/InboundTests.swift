import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct InboundTests {
  private func carrier(_ bench: Bench, at address: String = "192.0.2.50:5060") -> UserAgent {
    UserAgent(bench, user: "", address: address, domain: "carrier.example")
  }

  private func phone(
    _ bench: Bench, _ user: String, _ port: Int, _ manner: UserAgent.Manner
  ) -> UserAgent {
    let phone = UserAgent(bench, user: user, address: "198.51.100.7:\(port)")
    phone.manner = manner
    phone.register()
    return phone
  }

  private func call(
    _ carrier: UserAgent, _ number: String, headers: [HeaderDraft] = [], from: String? = nil
  ) {
    let host = Host.address(Bench.switchEndpoint.address)
    let caller = NameAddress(
      uri: URI(user: from ?? "+34600111222", host: .name("carrier.example")))
    carrier.call(
      number, headers: headers, from: caller, target: URI(user: number, host: host))
  }

  @Test("A number rings its extension, with the caller's number; the trunk is known by its address")
  func number() throws {
    let bench = try Bench()
    let (carrier, desk) = (carrier(bench), phone(bench, "101", 5062, .answers(after: .seconds(1))))
    call(carrier, Town.ddi)
    bench.run(for: .seconds(3))
    #expect(carrier.statuses() == [180, 200])
    let invite = try #require(desk.received(.invite).first)
    #expect(invite.fromURI.userText == "+34600111222")
    #expect("\(try #require(invite.requestURI))" == "sip:101@198.51.100.7:5062")
    carrier.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(record.direction == .inbound && record.caller == "+34600111222")
    #expect(record.payer == nil && record.sell == nil && record.normalised == Town.ddi)
  }

  @Test(
    "P2: two lines at one registrar: a call is of the line whose registered contact it is for",
    arguments: ["192.0.2.50:5060", "192.0.2.50:41000"])
  func linesOfOneRegistrar(source: String) throws {
    var town = Town()
    town.document.trunks[1].address = town.document.trunks[0].address
    for (index, user) in ["line-one", "line-two"].enumerated() {
      town.document.trunks[index].registration = RegistrationEntry(
        credentials: TrunkCredentials(
          username: user, password: SecretText(Secret("carrier secret"))))
    }
    let bench = try Bench(town)
    let registrar = carrier(bench)
    let desk = phone(bench, "101", 5062, .rings)
    bench.run(for: .seconds(2))
    registrar.source = Endpoint(source)
    let contacts = registrar.received(.register).compactMap { message -> URI? in
      guard case .contacts(let contacts)? = try? message.contacts() else { return nil }
      return contacts.first?.uri
    }
    #expect(contacts.compactMap(\.userText) == ["line-one", "line-two"])
    let number = NameAddress(uri: URI(user: Town.ddi, host: .name("carrier.example")))
    for (user, trunk) in [("line-two", TrunkID(2)), ("line-one", TrunkID(1)), ("x", TrunkID(1))] {
      let target = URI(user: user, host: .address(Bench.switchEndpoint.address))
      registrar.send(
        RequestDraft(
          .invite, target: target,
          from: NameAddress(uri: URI(user: "+34600111222", host: .name("carrier.example"))),
          to: number, body: .sdp(Array(Bench.sdp.utf8))))
      bench.run(for: .seconds(1))
      let call = try #require(bench.core.calls.values.map(\.value).max { $0.id < $1.id })
      #expect(call.caller.party.trunk == trunk, "\(user)")
    }
    #expect(desk.received(.invite).count == 3)
    let stranger = carrier(bench, at: "203.0.113.66:5060")
    let target = URI(user: "line-two", host: .address(Bench.switchEndpoint.address))
    stranger.call(Town.ddi, target: target)
    bench.run(for: .seconds(1))
    #expect(stranger.lastStatus == 403, "the name of a line proves nothing")
  }

  @Test("T4: every refused call of somebody we know has its record and cause; strangers leave none")
  func refusedRecords() throws {
    let bench = try Bench()
    let desk = phone(bench, "101", 5062, .rings)
    func refused(
      _ agent: UserAgent, _ cause: HangupCause, _ status: UInt16,
      _ kind: CallDetailRecord.Direction, _ call: () throws -> Void
    ) rethrows {
      let before = bench.records.count
      try call()
      bench.run(for: .seconds(1))
      #expect(bench.records.count == before + 1, "\(cause) \(status)")
      guard let record = bench.records.last else { return }
      #expect(record.cause == cause && record.status == status && record.direction == kind)
      #expect(agent.lastStatus == status && record.payer == nil)
      #expect(record.legs.first?.address == agent.endpoint)
      #expect(agent.responses.last?.has(.reason) == true)
    }
    refused(desk, .incompatible, 415, .outbound) {
      var draft = RequestDraft(
        .invite, target: URI(user: "976333444", host: .name(Town.domain)),
        from: desk.address("101"), to: desk.address("976333444"))
      draft.body = BodyDraft(contentType: "application/xml", bytes: Array("<x/>".utf8))
      desk.send(draft)
    }
    refused(desk, .incompatible, 400, .internal) { desk.call("102", body: "v=nonsense") }
    refused(desk, .forbidden, 403, .outbound) {
      desk.call("976333444", headers: [HeaderDraft(.replaces, "a;to-tag=b;from-tag=c")])
    }
    refused(desk, .loop, 483, .outbound) { desk.call("976333444", maxForwards: 0) }
    refused(desk, .forbidden, 403, .outbound) { desk.call("803123456") }
    refused(desk, .forbidden, 403, .internal) { desk.call("103", from: desk.address("102")) }
    let carrier = carrier(bench)
    refused(carrier, .unknownNumber, 404, .inbound) { call(carrier, "+34911999888") }
    bench.command(.drain)
    refused(desk, .draining, 503, .internal) { desk.call("102") }
    #expect(desk.responses.last?.text(.retryAfter) == "30")
    let count = bench.records.count
    let stranger = UserAgent(bench, user: "101", address: "203.0.113.66:5061")
    stranger.password = "a wrong password"
    stranger.call("102")
    bench.run(for: .seconds(1))
    #expect(bench.records.count == count && stranger.lastStatus == 401)
  }

  @Test(
    "A number is reached in whichever way the carrier writes it, whatever its format says",
    arguments: ["plus", "e164", "international", "national"])
  func formats(format: String) throws {
    for dialled in [Town.ddi, "34976111222", "0034976111222", "976111222"] {
      var town = Town()
      town.document.trunks[0].numberFormat = format
      town.document.trunks[0].country = "ES"
      let bench = try Bench(town)
      let carrier = carrier(bench)
      let desk = phone(bench, "101", 5062, .rings)
      call(carrier, dialled)
      bench.run(for: .seconds(1))
      #expect(desk.received(.invite).count == 1, "\(dialled)")
    }
  }

  @Test(
    "A number of nobody is 404; a stranger's INVITE is challenged or refused, and nothing rings")
  func strangers() throws {
    let bench = try Bench()
    let desk = phone(bench, "101", 5062, .rings)
    let carrier = carrier(bench)
    call(carrier, "+34911999888")
    bench.run(for: .seconds(1))
    #expect(carrier.lastStatus == 404)
    let stranger = UserAgent(
      bench, user: "x", address: "203.0.113.66:5060", domain: "carrier.example")
    stranger.password = nil
    call(stranger, Town.ddi)
    bench.run(for: .seconds(1))
    #expect(stranger.lastStatus == 403)
    let scanner = UserAgent(bench, user: "101", address: "203.0.113.66:5061")
    scanner.password = nil
    scanner.call("+34976333444")
    bench.run(for: .seconds(1))
    #expect(scanner.lastStatus == 401)
    #expect(desk.received(.invite).isEmpty)
  }

  @Test("A step rings its extensions together, the next one after the ring time; losers get CANCEL")
  func groups() throws {
    let bench = try Bench()
    let carrier = carrier(bench)
    let (first, second) = (phone(bench, "101", 5062, .rings), phone(bench, "102", 5064, .rings))
    let third = phone(bench, "103", 5066, .answers(after: .seconds(2)))
    call(carrier, Town.groupDDI)
    bench.run(for: .seconds(5))
    #expect(first.received(.invite).count == 1 && second.received(.invite).count == 1)
    #expect(third.received(.invite).isEmpty)
    bench.run(for: .seconds(10))
    #expect(first.open.isEmpty && second.open.isEmpty)
    #expect(carrier.statuses().last == 200)
    #expect(third.acknowledgements.count == 1)
  }

  @Test(
    "The first of a group to answer gets the call; the others hear that it was answered elsewhere")
  func answeredElsewhere() throws {
    let bench = try Bench()
    let carrier = carrier(bench)
    let slow = phone(bench, "101", 5062, .rings)
    let quick = phone(bench, "102", 5064, .answers(after: .seconds(1)))
    call(carrier, Town.groupDDI)
    bench.run(for: .seconds(3))
    #expect(carrier.statuses().last == 200)
    let cancel = bench.requests("CANCEL", to: slow.endpoint)
    #expect(cancel.count == 1 && cancel[0].contains("Call completed elsewhere"))
    #expect(carrier.statuses() == [180, 200])
    carrier.hangUp()
    bench.run(for: .seconds(1))
    let legs = try #require(bench.records.first).legs
    #expect(legs.filter(\.answered).map(\.address) == [quick.endpoint])
  }

  @Test(
    "RFC 3326: what a carrier's CANCEL gives as its reasons reaches the phones, every one of them")
  func cancelledWithReasons() throws {
    let bench = try Bench()
    let carrier = carrier(bench)
    let desk = phone(bench, "101", 5062, .rings)
    for reasons in [["SIP;cause=200;text=\"Call completed elsewhere\"", "Q.850;cause=16"], []] {
      call(carrier, Town.ddi)
      bench.run(for: .seconds(1))
      carrier.cancel(reasons.map { HeaderDraft(.reason, $0) })
      bench.run(for: .seconds(1))
    }
    let reasons = bench.requests("CANCEL", to: desk.endpoint).map { text in
      text.split(separator: "\r\n").filter { $0.hasPrefix("Reason:") }.joined()
    }
    #expect(
      reasons == [
        "Reason: SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=16",
        "Reason: Q.850;cause=16;text=\"Call cancelled\"",
      ])
  }

  @Test(
    "A31: two phones of one extension that answer at once: one wins, the other gets ACK and BYE")
  func bothAnswer() throws {
    let bench = try Bench()
    let carrier = carrier(bench)
    let one = phone(bench, "101", 5062, .answers(after: .seconds(1)))
    let two = phone(bench, "101", 5064, .answers(after: .seconds(1)))
    call(carrier, Town.ddi)
    bench.run(for: .seconds(3))
    #expect(carrier.statuses().filter { $0 == 200 }.count == 1)
    #expect(one.acknowledgements.count + two.acknowledgements.count == 2)
    #expect(one.received(.bye).count + two.received(.bye).count == 1)
  }

  @Test("A withheld caller is shown as anonymous, and its asserted number stays with us")
  func withheld() throws {
    let bench = try Bench()
    let carrier = carrier(bench)
    let desk = phone(bench, "101", 5062, .rings)
    call(
      carrier, Town.ddi,
      headers: [
        HeaderDraft(.privacy, "id"),
        HeaderDraft(.assertedIdentity, "<sip:+34600111222@carrier.example>"),
      ], from: "anonymous")
    bench.run(for: .seconds(1))
    let invite = try #require(desk.received(.invite).first)
    #expect(!String(decoding: invite.bytes, as: UTF8.self).contains("600111222"))
    #expect("\(invite.fromURI)" == "sip:anonymous@anonymous.invalid")
  }

  @Test("An inbound call that nobody answers gives its channel back, however it ends")
  func channelReturned() throws {
    let bench = try Bench()
    let carrier = carrier(bench)
    let desk = phone(bench, "101", 5062, .rings)
    call(carrier, Town.ddi)
    bench.run(for: .seconds(2))
    #expect(bench.core.trunks[TrunkID(1)]?.channelsInUse == 1)
    carrier.cancel()
    bench.run(for: .seconds(1))
    #expect(bench.core.trunks[TrunkID(1)]?.channelsInUse == 0)
    desk.manner = .refuses(486, [])
    call(carrier, Town.ddi)
    bench.run(for: .seconds(1))
    call(carrier, Town.ddi)
    bench.run(for: .seconds(1))
    #expect(bench.core.trunks[TrunkID(1)]?.channelsInUse == 0)
    #expect(bench.records.count == 3)
  }

  @Test("DDI ranges lead to the extension with the last digits")
  func ranges() throws {
    var town = Town()
    var range = NumberEntry(first: "+34976222100", last: "+34976222199")
    range.lastDigits = 3
    town.document.tenants[0].numbers.append(range)
    let bench = try Bench(town)
    let carrier = carrier(bench)
    let desk = phone(bench, "103", 5062, .rings)
    call(carrier, "+34976222103")
    bench.run(for: .seconds(1))
    #expect(desk.received(.invite).count == 1)
  }

  @Test(
    "A15, F17: a registration whose Contact is a trunk, ourselves or a premium number rings its flow"
  )
  func contactIsNoRoute() throws {
    for host in ["192.0.2.50:5060", "192.0.2.1:5060", Town.domain, "198.51.100.99"] {
      let bench = try Bench()
      let carrier = carrier(bench)
      let thief = UserAgent(bench, user: "102", address: "203.0.113.9:5062")
      thief.register(contact: "<sip:+8821234567890@\(host)>")
      let caller = phone(bench, "101", 5062, .waits)
      caller.call("102")
      bench.run(for: .seconds(1))
      #expect(thief.received(.invite).count == 1, "down the flow that registered")
      #expect(carrier.received(.invite).isEmpty)
      #expect(bench.sent.allSatisfy { !$0.text.hasPrefix("INVITE") || $0.to == thief.endpoint })
    }
  }

  @Test("A15, RFC 5393 §5.3.3: a call rings no more phones at once than its breadth, and shares it")
  func breadth() throws {
    let bench = try Bench()
    let desk = phone(bench, "102", 5064, .rings)
    for port in 7001...7003 { desk.register(contact: "<sip:102@198.51.100.7:\(port)>") }
    let caller = phone(bench, "101", 5062, .waits)
    for (asked, shares) in [(nil, Array(repeating: 15, count: 4)), (3, [1, 1, 1]), (1, [1])] {
      let before = desk.received(.invite).count
      caller.call("102", headers: asked.map { [HeaderDraft(.maxBreadth, "\($0)")] } ?? [])
      bench.run(for: .seconds(1))
      let invites = desk.received(.invite).dropFirst(before)
      #expect(invites.map { Int($0.maxBreadth ?? 0) } == shares, "\(asked ?? 60)")
      caller.cancel()
      bench.run(for: .seconds(1))
    }
    let before = desk.received(.invite).count
    caller.call("102", headers: [HeaderDraft(.maxBreadth, "0")])
    bench.run(for: .seconds(1))
    #expect(caller.lastStatus == 440 && desk.received(.invite).count == before)
  }

  @Test("A15: two users whose contacts name each other, twice, are rung once for each contact")
  func forkBomb() throws {
    let bench = try Bench()
    let thieves = [("102", 9), ("103", 10)].map { user, host in
      UserAgent(bench, user: user, address: "203.0.113.\(host):5062")
    }
    for (thief, other) in [(thieves[0], "103"), (thieves[1], "102")] {
      for number in 1...2 {
        thief.register(contact: "<sip:\(other)@\(Bench.switchEndpoint.address):506\(number)>")
        #expect(thief.lastStatus == 200)
      }
    }
    let caller = phone(bench, "101", 5062, .waits)
    caller.call("102")
    bench.run(for: .seconds(5))
    #expect(thieves.map { $0.received(.invite).count } == [2, 0])
    #expect(bench.sent.count { $0.text.hasPrefix("INVITE") } == 2)
  }

  @Test("A16: no hop left is 483; more forwards behind it than allowed is 482")
  func loops() throws {
    let bench = try Bench()
    let carrier = carrier(bench)
    let desk = phone(bench, "101", 5062, .rings)
    func deliver(hops: UInt8) {
      carrier.call(
        Town.ddi, target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)),
        maxForwards: hops)
      bench.run(for: .seconds(1))
    }
    deliver(hops: 0)
    #expect(carrier.lastStatus == 483)
    let forwarded = (1...6).map { "<sip:+3460000000\($0)@x.example>;reason=unconditional" }
    call(
      carrier, Town.ddi,
      headers: [HeaderDraft(.diversion, forwarded.joined(separator: ", "))])
    bench.run(for: .seconds(1))
    #expect(carrier.lastStatus == 482)
    #expect(desk.received(.invite).isEmpty)
    deliver(hops: 5)
    #expect(desk.received(.invite).map(\.maxForwards) == [4])
  }

  @Test(
    "A33: a preloaded route to elsewhere, or a domain that is not ours, is 403 and goes nowhere")
  func relay() throws {
    let bench = try Bench()
    let desk = phone(bench, "101", 5062, .rings)
    desk.call("102", headers: [HeaderDraft(.route, "<sip:victim.example;lr>")])
    bench.run(for: .seconds(1))
    #expect(desk.lastStatus == 403)
    desk.call("102", target: URI(user: "102", host: .name("victim.example")))
    bench.run(for: .seconds(1))
    #expect(desk.lastStatus == 403)
    #expect(bench.sent.allSatisfy { !$0.text.hasPrefix("INVITE") })
  }

  @Test("A27: MESSAGE, SUBSCRIBE, REFER, NOTIFY and INFO of a stranger reach no phone")
  func unsolicited() throws {
    let bench = try Bench()
    let desk = phone(bench, "101", 5062, .rings)
    let stranger = UserAgent(bench, user: "102", address: "203.0.113.66:5061")
    stranger.password = nil
    for method in [Method.message, .subscribe, .refer, .notify, .info, .publish] {
      stranger.send(
        RequestDraft(
          method, target: URI(user: "101", host: .name(Town.domain)),
          from: stranger.address("102"), to: stranger.address("101")))
      bench.run(for: .seconds(1))
      // INFO is of a dialog; PUBLISH is of nobody here.
      let status: StatusCode? = method == .info ? 481 : method == .publish ? 405 : 401
      #expect(stranger.responses.last?.status == status, "\(method)")
    }
    #expect(desk.requests.isEmpty)
  }

  @Test(
    "RFC 6665 §8.4: without event packages SUBSCRIBE and NOTIFY are not allowed, in and out of calls"
  )
  func noEvents() throws {
    let bench = try Bench()
    let (desk, other) = bench.twoPhonesTalking()
    let event = HeaderDraft(named: "Event", Array("message-summary".utf8))
    for method in [Method.subscribe, .notify, .publish] {
      desk.send(
        RequestDraft(
          method, target: URI(user: "101", host: .name(Town.domain)), from: desk.address("101"),
          to: desk.address("101"), headers: [event]))
      bench.run(for: .seconds(1))
      desk.send(in: try #require(desk.dialog), RequestDraft(method, headers: [event]))
      bench.run(for: .seconds(1))
      let answers = desk.responses.filter { $0.cseq.method == method && $0.status != 401 }
      #expect(answers.map(\.status) == [405, 405], "\(method)")
      for answer in answers {
        #expect(answer.text(.allow)?.contains("INVITE") == true)
        #expect(answer.text(.allow)?.contains(method.name) == false)
      }
    }
    #expect(other.requests.allSatisfy { $0.method == .invite || $0.method == .ack })
  }

  @Test("F15, F16: Replaces is refused before and REFER within a call, from whichever side")
  func transferRefused() throws {
    let bench = try Bench()
    let desk = phone(bench, "101", 5062, .answers(after: .seconds(1)))
    let other = phone(bench, "102", 5064, .answers(after: .seconds(1)))
    other.call("101", headers: [HeaderDraft(.replaces, "a;to-tag=b;from-tag=c")])
    bench.run(for: .seconds(1))
    #expect(other.lastStatus == 403 && desk.requests.isEmpty)
    other.call("101")
    bench.run(for: .seconds(3))
    let dialog = try #require(other.dialog)
    other.send(
      in: dialog, RequestDraft(.refer, headers: [HeaderDraft(.referTo, "<sip:+8821234567@x>")]))
    bench.run(for: .seconds(1))
    #expect(other.statuses(.refer) == [403])
    desk.send(
      in: try #require(desk.dialog),
      RequestDraft(.refer, headers: [HeaderDraft(.referTo, "<sip:+8821234567@x>")]))
    bench.run(for: .seconds(1))
    #expect(desk.statuses(.refer) == [403])
    let carrier = carrier(bench)
    call(carrier, Town.ddi, headers: [HeaderDraft(.replaces, "a;to-tag=b;from-tag=c")])
    bench.run(for: .seconds(1))
    #expect(carrier.lastStatus == 403)
  }

  @Test(
    "RFC 3261 §18.1.1: when a carrier's connection has ended, BYE opens one to where it takes them")
  func connectionEnds() throws {
    let bench = try Bench()
    let phone = phone(bench, "101", 5062, .answers(after: .seconds(1)))
    let carrier = carrier(bench)
    carrier.connect(from: 43_210, as: FlowID(7))
    call(carrier, Town.ddi)
    bench.run(for: .seconds(3))
    #expect(carrier.statuses() == [180, 200])
    bench.happen(.flowClosed(FlowID(7)))
    phone.hangUp()
    bench.run(for: .seconds(1))
    let bye = try #require(bench.requests("BYE", to: carrier.endpoint).first)
    #expect(bye.contains("\r\nVia: SIP/2.0/TCP ") && carrier.received(.bye).count == 1)
    #expect(bench.records.map(\.cause) == [.normal] && bench.core.calls.isEmpty)
  }
}
