import Directory
import Elements
import Limits
import SDP
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Carriers that ask for credentials within a call (RFC 3261 §22.3).
@Suite struct ChallengeTests {
  private static let challenge = HeaderDraft(
    .wwwAuthenticate, "Digest realm=\"carrier.example\",nonce=\"abc\",qop=\"auth\"")

  private func ends(
    realm: String? = "carrier.example"
  ) throws -> (
    bench: Bench, phone: UserAgent, carrier: UserAgent
  ) {
    var town = Town()
    town.document.trunks[0].credentials = TrunkCredentials(
      username: "martinet", password: SecretText(Secret("carrier secret")), realm: realm)
    let bench = try Bench(town)
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    phone.register()
    return (bench, phone, carrier)
  }

  private func talk(_ phone: UserAgent) {
    phone.call("976333444")
    phone.bench.run(for: .seconds(3))
  }

  @Test("A challenged BYE is repeated once, so that the carrier bills no further")
  func bye() throws {
    let (bench, phone, carrier) = try ends()
    talk(phone)
    carrier.challenge = Self.challenge
    phone.hangUp()
    bench.run(for: .seconds(40))
    let byes = carrier.received(.bye)
    #expect(byes.map { $0.has(.authorization) } == [false, true])
    #expect(byes.last?.cseq.number == (byes.first?.cseq.number ?? 0) + 1)
    #expect(byes.last?.text(.authorization)?.contains("realm=\"carrier.example\"") == true)
    #expect(!bench.alerts.contains { $0.kind == .possiblyStillUp })
    #expect(bench.records.map(\.cause) == [.normal] && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.core.sip.isAtRest && bench.core.owners.challengeables.isEmpty)
  }

  @Test(
    "One that stays challenged is unconfirmed: charged in full, with an alert, and nothing is left")
  func hopelessBye() throws {
    let (bench, phone, carrier) = try ends()
    talk(phone)
    (carrier.challenge, carrier.insists) = (Self.challenge, true)
    phone.hangUp()
    bench.run(for: .seconds(40))
    #expect(carrier.received(.bye).map { $0.has(.authorization) } == [false, true])
    #expect(bench.alerts.contains { $0.kind == .possiblyStillUp })
    #expect(bench.core.sip.isAtRest && bench.core.owners.challengeables.isEmpty)
    #expect(bench.core.owners.clients.isEmpty && bench.core.ledger.openHolds.isEmpty)
  }

  @Test(
    "Without a configured realm, the one for which the INVITE was repeated counts, and no other")
  func unknownRealm() throws {
    for isAsked in [true, false] {
      let (bench, phone, carrier) = try ends(realm: nil)
      carrier.manner = .waits
      phone.call("976333444")
      bench.run(for: .seconds(1))
      if isAsked {
        carrier.answer(
          try #require(carrier.open.first?.server), 401, headers: [Self.challenge])
        bench.run(for: .seconds(1))
      }
      carrier.answer(try #require(carrier.open.first?.server), 200, body: Bench.sdp)
      bench.run(for: .seconds(1))
      carrier.challenge = Self.challenge
      phone.hangUp()
      bench.run(for: .seconds(2))
      #expect(
        carrier.received(.bye).map { $0.has(.authorization) }
          == (isAsked ? [false, true] : [false]))
    }
  }

  @Test(
    "A trunk over TLS that has no SRTP may ask for a password, and for a longer session, once more",
    arguments: [[407, 488, 407], [488, 407], [407, 422, 407, 488, 407]] as [[UInt16]])
  func unsecuredAttempts(statuses: [UInt16]) throws {
    var town = Town()
    town.document.trunks[0].address = "sip:192.0.2.50:5061;transport=tls"
    town.document.trunks[0].credentials = TrunkCredentials(
      username: "martinet", password: SecretText(Secret("carrier secret")),
      realm: "carrier.example")
    let bench = try Bench(town)
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5061", domain: "carrier.example")
    (carrier.connection, carrier.stream) = (FlowID(9), .tls)
    phone.register()
    phone.call("976333444")
    for status in statuses {
      bench.run(for: .seconds(1))
      let header =
        switch status {
        case 407:
          HeaderDraft(.proxyAuthenticate, "Digest realm=\"carrier.example\",nonce=\"abc\"")
        case _: HeaderDraft(.minSE, "3600")
        }
      carrier.answer(
        try #require(carrier.open.first?.server), try #require(StatusCode(exactly: Int(status))),
        headers: [header])
    }
    bench.run(for: .seconds(1))
    let invites = carrier.received(.invite)
    #expect(invites.count == statuses.count + 1)
    let profiles = try invites.map {
      try SessionDescription(parsing: $0.bodyBytes).media[0].profile.isSecure
    }
    #expect(profiles.first == true && profiles.last == false)
    #expect(invites.last?.has(.proxyAuthorization) == true)
    carrier.answer(try #require(carrier.open.first?.server), 200, body: Bench.sdp)
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 200)
    phone.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.attempts) == [1] && bench.core.ledger.openHolds.isEmpty)
  }

  @Test("Hold, INFO and PRACK are repeated as well; the phone sees the answer")
  func others() throws {
    let (bench, phone, carrier) = try ends()
    talk(phone)
    let dialog = try #require(phone.dialog)
    carrier.challenge = Self.challenge
    for method in [Method.invite, .update] {
      let held = Bench.sdp.replacing(
        "a=sendrecv", with: method == .invite ? "a=sendonly" : "a=inactive")
      carrier.updateAnswer = Bench.sdp.replacing("a=sendrecv", with: "a=inactive")
      phone.send(in: dialog, RequestDraft(method, body: .sdp(Array(held.utf8))))
      bench.run(for: .seconds(2))
      #expect(phone.lastStatus == 200, "\(method)")
      let asked = carrier.received(method).suffix(2)
      #expect(asked.map { $0.has(.authorization) } == [false, true], "\(method)")
      #expect(asked.allSatisfy { $0.bodyBytes == asked.first?.bodyBytes })
    }
    phone.send(in: dialog, RequestDraft(.info))
    bench.run(for: .seconds(1))
    #expect(carrier.received(.info).map { $0.has(.authorization) } == [false, true])
    #expect(phone.lastStatus == 200)
    carrier.challenge = nil
    phone.hangUp()
    bench.run(for: .seconds(1))

    carrier.manner = .waits
    phone.call("976333444")
    bench.run(for: .seconds(1))
    carrier.challenge = Self.challenge
    let server = try #require(carrier.open.last?.server)
    carrier.answer(server, 183, body: Bench.sdp, reliably: true)
    bench.run(for: .seconds(1))
    let asked = bench.requests("PRACK", to: carrier.endpoint)
    #expect(asked.map { $0.contains("\r\nAuthorization: ") } == [false, true])
    #expect(asked.allSatisfy { $0.contains("\r\nRAck: ") })
  }

  /// Whether the carrier, which asks for a password now, got its one BYE again with it, and who was told.
  ///
  /// One that was sent before the first directory has had no password yet, and is sent again.
  private func expectRepeatedBye(
    _ bench: Bench, _ carrier: UserAgent, beforeDirectory: Bool = false
  ) {
    bench.run(for: .seconds(beforeDirectory ? 4 : 2))
    let withPassword = carrier.received(.bye).map { $0.has(.authorization) }
    #expect(withPassword == (beforeDirectory ? [false, false, true] : [false, true]))
    #expect(!bench.alerts.contains { $0.kind == .possiblyStillUp })
  }

  /// A trunk without a realm of its own rings, and has asked for a password first.
  private func ring() throws -> (bench: Bench, phone: UserAgent, carrier: UserAgent) {
    let (bench, phone, carrier) = try ends(realm: nil)
    carrier.manner = .waits
    phone.call("976333444")
    bench.run(for: .seconds(1))
    carrier.answer(try #require(carrier.open.first?.server), 401, headers: [Self.challenge])
    carrier.challenge = Self.challenge
    return (bench, phone, carrier)
  }

  @Test("So is that to an answer after we gave up, for the realm of the INVITE, and after a crash")
  func lateAnswer() throws {
    for way in ["given up", "dead", "dead twice", "talking"] {
      let (bench, _, carrier) = try ring()
      carrier.mute = way == "given up"
      bench.run(for: .seconds(way == "given up" ? 40 : 1))
      carrier.mute = false
      let server = try #require(carrier.open.last?.server)
      if way == "talking" {
        carrier.answer(server, 200, body: carrier.sdp)
        bench.run(for: .seconds(1))
      }
      if way != "given up" { try bench.restart() }
      if way == "dead twice" { try bench.restart(from: bench.core.checkpoint()) }
      if way != "talking" { carrier.answer(server, 200, body: carrier.sdp) }
      expectRepeatedBye(bench, carrier, beforeDirectory: way == "talking")
    }
  }

  @Test("So is that to a call of a trunk that asked for it at its registration, and after a crash")
  func registered() throws {
    for hasCrashed in [false, true] {
      var town = Town()
      town.document.trunks[0].registration = RegistrationEntry(
        credentials: TrunkCredentials(
          username: "martinet", password: SecretText(Secret("carrier secret"))))
      let bench = try Bench(town)
      let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
      phone.manner = .answers(after: .seconds(1))
      phone.register()
      let carrier = UserAgent(
        bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
      carrier.registerChallenge = Self.challenge
      bench.run(for: .seconds(60))
      #expect(carrier.received(.register).last?.has(.authorization) == true)
      carrier.call(
        Town.ddi, target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
      bench.run(for: .seconds(3))
      carrier.challenge = Self.challenge
      if hasCrashed { try bench.restart() } else { phone.hangUp() }
      expectRepeatedBye(bench, carrier, beforeDirectory: hasCrashed)
    }
  }

  @Test(
    "F23: A BYE that is challenged before the first directory is there is sent again when it is",
    arguments: [true, false])
  func beforeDirectory(talks: Bool) throws {
    let (bench, phone, carrier) = try ends()
    if !talks { (carrier.manner, carrier.heedsCancel) = (.rings, false) }
    talk(phone)
    carrier.challenge = Self.challenge
    let batches = bench.journal
    bench.core = SwitchCore(
      configuration: bench.core.configuration, dice: .seeded(SplitMix(seed: 77)))
    for batch in batches { try bench.core.replay(batch) }
    bench.recover()
    #expect(carrier.received(.bye).count == 1 && bench.core.ledger.openHolds.count == 1)
    bench.command(.adopt(try bench.town.rulebook()))
    bench.run(for: .seconds(5))
    #expect(carrier.received(.bye).last?.has(.authorization) == true)
    #expect(talks == !bench.records.isEmpty)
    bench.run(for: .seconds(60))
    #expect(!bench.alerts.contains { $0.kind == .possiblyStillUp })
    #expect(bench.records.count == 1 && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.core.load.isAtRest)
  }

  @Test("The BYE to a call that a crash left open is repeated, too")
  func restart() throws {
    let (bench, phone, carrier) = try ends()
    talk(phone)
    carrier.challenge = Self.challenge
    let batches = bench.journal
    bench.core = SwitchCore(
      configuration: bench.core.configuration, dice: .seeded(SplitMix(seed: 77)))
    for batch in batches { try bench.core.replay(batch) }
    bench.command(.adopt(try bench.town.rulebook()))
    bench.recover()
    bench.run(for: .seconds(2))
    #expect(carrier.received(.bye).map { $0.has(.authorization) } == [false, true])
    #expect(!bench.alerts.contains { $0.kind == .possiblyStillUp })
  }
}
