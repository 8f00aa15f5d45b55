import Directory
import Elements
import Limits
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct RecoveryTests {
  private func paidCall(_ bench: Bench, _ length: Duration) -> (UserAgent, UserAgent) {
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    phone.register()
    phone.call("+8821234567890")
    bench.run(for: length)
    return (phone, carrier)
  }

  @Test(
    "S6: a running paid call gets BYE on both legs after a crash, its hold is charged, its record written"
  )
  func runningCall() throws {
    let bench = try Bench()
    let (phone, carrier) = paidCall(bench, .seconds(10))
    #expect(bench.records.isEmpty)
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(phone.received(.bye).count == 1 && carrier.received(.bye).count == 1)
    let record = try #require(bench.records.first)
    #expect(bench.records.count == 1)
    #expect(record.cause == .restart && record.payer != nil && record.answeredAt != nil)
    #expect(record.status == 200 && record.trunk == TrunkID(1) && record.attempts == 1)
    #expect(record.legs.map(\.side) == [.caller, .callee])
    #expect(record.legs.first?.address == phone.endpoint && record.legs.first?.codecs == ["PCMA"])
    #expect(record.legs.last?.address == carrier.endpoint && record.legs.last?.codecs == ["PCMA"])
    // Connection fee, one slice begun and the guard: at least a minute is charged.
    #expect(try #require(record.sell).micros >= 2_500_000)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.orphans.isEmpty)
  }

  @Test(
    "F23: a call that rings at a carrier gets a CANCEL after a death, from the batches or a checkpoint",
    arguments: [0, 1])
  func ringingCall(_ way: Int) throws {
    let bench = try Bench()
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .rings
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    phone.call("+8821234567890")
    bench.run(for: .seconds(2))
    try bench.restart(from: way == 0 ? nil : bench.core.checkpoint())
    bench.run(for: .seconds(1))
    let cancel = try #require(bench.requests("CANCEL", to: carrier.endpoint).first)
    #expect(cancel.contains("\r\nReason: Q.850;cause=41;"))
    // It has answered 487, and that is acknowledged once.
    #expect(carrier.open.isEmpty && bench.requests("ACK", to: carrier.endpoint).count == 1)
    #expect(bench.requests("CANCEL", to: carrier.endpoint).count == 1)
    // Had it answered meanwhile, the BYE would have ended it.
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 1)
    // The next death sends nothing more.
    try bench.restart()
    bench.run(for: .seconds(60))
    #expect(bench.requests("CANCEL", to: carrier.endpoint).count == 1)
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 1)
    #expect(bench.records.count == 1 && bench.core.load.isAtRest)
  }

  @Test(
    "F04: a 200 that crosses the CANCEL of the next process gets ACK and BYE, and is charged once")
  func crossing() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 481)
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(carrier.open.count == 1 && bench.records.isEmpty)
    carrier.refusals = [:]
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .seconds(60))
    // The second is in order behind the first (RFC 3261 §12.2.2), or it would not have been heard.
    #expect(carrier.acknowledgements.count == 1 && carrier.received(.bye).count == 2)
    #expect(bench.records.count == 1 && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.core.load.isAtRest)
  }

  @Test(
    "F23: what rang is not remembered for ever where its BYE is confirmed after a long time only")
  func confirmedLate() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 481)
    bench.deaf.insert(carrier.endpoint)
    try bench.restart()
    bench.run(for: .seconds(700))
    bench.deaf = []
    bench.run(for: .seconds(130))
    #expect(bench.records.count == 1 && bench.core.orphans.isEmpty)
    #expect(bench.core.lateAnswers.isEmpty)
  }

  @Test(
    "F23: a trunk that rang and failed before another answered holds up neither money nor record")
  func failedOver() throws {
    let bench = try Bench()
    let first = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    first.manner = .rings
    let spare = UserAgent(bench, user: "", address: "192.0.2.51:5060", domain: "spare.example")
    spare.manner = .answers(after: .seconds(1))
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    phone.call("+8821234567890")
    bench.run(for: .seconds(2))
    first.answer(try #require(first.open.first).server, 503)
    bench.run(for: .seconds(10))
    #expect(phone.statuses().last == 200)
    bench.deaf.insert(first.endpoint)
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(spare.received(.bye).count == 1 && bench.core.ledger.openHolds.isEmpty)
    #expect(bench.records.count == 1 && bench.records.first?.trunk == TrunkID(2))
    bench.run(for: .seconds(60))
    #expect(!bench.alerts.contains { $0.kind == .possiblyStillUp })
  }

  @Test("F23: a BYE that reached a carrier before it answered is sent again behind the answer")
  func answeredBehindBye() throws {
    let bench = try Bench()
    let carrier = bench.ringingCarrier(bye: 481)
    bench.deaf.insert(carrier.endpoint)
    try bench.restart()
    bench.run(for: .seconds(1))
    carrier.answer(try #require(carrier.open.first).server, 200, body: carrier.sdp)
    bench.run(for: .milliseconds(50))
    bench.deaf = []
    while carrier.received(.bye).isEmpty { bench.run(for: .milliseconds(10)) }
    carrier.refusals = [:]
    bench.run(for: .seconds(60))
    #expect(carrier.received(.bye).count == 2)
    #expect(bench.records.count == 1 && bench.core.load.isAtRest)
  }

  @Test(
    "F23: a call whose answer the disk has not heard of is ended after a death, and charged since it rang",
    arguments: [0, 100])
  func answeredUnheard(_ deafness: Int) throws {
    let bench = try Bench()
    let (_, carrier) = paidCall(bench, .seconds(10))
    let known = bench.journal.prefix { batch in
      !batch.entries.contains { if case .ledger(.answered) = $0 { true } else { false } }
    }
    #expect(known.count < bench.journal.count)
    if deafness > 0 { bench.deaf.insert(carrier.endpoint) }
    try bench.restart(keeping: known.count)
    if deafness > 0 {
      bench.run(for: .seconds(Int64(deafness)))
      #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    }
    bench.deaf = []
    bench.run(for: .seconds(70))
    let record = try #require(bench.records.first)
    #expect(carrier.received(.bye).count == 1 && bench.records.count == 1)
    // 0.50 EUR to connect, and the begun minutes since it rang.
    let minutes: Int64 = deafness > 0 ? 2 : 1
    #expect(
      record.cause == .restart
        && record.sell.map { $0.micros >= 500_000 + minutes * 2_000_000 } == true)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.load.isAtRest)
    // A copy of its answer that was on its way is no call of its own, but may be what the BYE has come before.
    let answer = try #require(
      carrier.said.last { String(decoding: $0.bytes, as: UTF8.self).contains(" INVITE\r\n") })
    let earlier = bench.requests("BYE", to: carrier.endpoint).count
    carrier.say(answer.bytes)
    carrier.say(answer.bytes)
    bench.run(for: .seconds(60))
    #expect(bench.records.count == 1)
    #expect(bench.requests("BYE", to: carrier.endpoint).count == earlier + 1)
    // Nor for the next process.
    #expect(record.answeredAt != nil && record.status == 200)
  }

  @Test("F23: a carrier that confirms before there are prices is paid when they are there")
  func confirmedBeforePrices() throws {
    let bench = try Bench()
    let (_, carrier) = paidCall(bench, .seconds(10))
    bench.deaf.insert(carrier.endpoint)
    bench.run(for: .seconds(100))  // Beyond what was held.
    let journal = bench.journal.prefix { batch in
      !batch.entries.contains { if case .record = $0 { true } else { false } }
    }
    bench.deaf = []
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in journal { try revived.replay(batch) }
    bench.core = revived
    bench.recover()
    #expect(carrier.received(.bye).count >= 1 && bench.core.ledger.openHolds.count == 1)
    let records = bench.records.count
    try bench.adopt(revision: 9)
    #expect(bench.records.count == records + 1 && bench.core.ledger.openHolds.isEmpty)
    let record = try #require(bench.records.last)
    #expect(record.cause == .restart && record.sell.map { $0.micros >= 4_500_000 } == true)
    #expect(bench.core.orphans.isEmpty)
  }

  @Test("S6: after a crash a carrier that had connected to us gets its BYE where it listens")
  func runningCallOverStream() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.manner = .answers(after: .seconds(1))
    phone.register()
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.connect(from: 43_210, as: FlowID(7))
    let host = Host.address(Bench.switchEndpoint.address)
    carrier.call(
      Town.ddi, from: NameAddress(uri: URI(user: "+34600111222", host: .name("carrier.example"))),
      target: URI(user: Town.ddi, host: host))
    bench.run(for: .seconds(3))
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(bench.requests("BYE", to: carrier.endpoint).count == 1)
    #expect(phone.received(.bye).count == 1 && bench.core.orphans.isEmpty)
  }

  @Test("Until the first directory is there, phones are told to come again and not to give up")
  func notReady() throws {
    let bench = try Bench()
    bench.core = SwitchCore(configuration: bench.core.configuration, dice: .system)
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    #expect(phone.lastStatus == 503 && phone.responses.last?.has(.retryAfter) == true)
  }

  @Test(
    "A call that only rang is recorded, too, and what was held for it is charged: it may have been answered"
  )
  func ringingCall() throws {
    let bench = try Bench()
    let (_, carrier) = paidCall(bench, .milliseconds(1300))
    #expect(carrier.received(.invite).count == 1)
    try bench.restart()
    bench.run(for: .seconds(1))
    #expect(bench.records.map(\.cause) == [.restart])
    #expect(bench.records.first?.sell != nil)
    #expect(bench.core.ledger.openHolds.isEmpty)
  }

  @Test("F22: A carrier that does not confirm the BYE after a restart gets it again, and is told")
  func unconfirmed() throws {
    let bench = try Bench()
    let (_, carrier) = paidCall(bench, .seconds(10))
    bench.deaf.insert(carrier.endpoint)
    try bench.restart()
    bench.run(for: .seconds(60))
    #expect(bench.alerts.filter { $0.kind == .possiblyStillUp }.count == 1)
    #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    bench.run(for: .seconds(1_900))
    #expect(bench.core.orphans.isEmpty && bench.core.ledger.openHolds.isEmpty)
    // 0.50 EUR to connect, and half an hour of BYEs that nobody confirmed.
    #expect(bench.records.map { ($0.sell?.micros ?? 0) >= 500_000 + 30 * 2_000_000 } == [true])
  }

  @Test(
    "F23: a call that outlives its process is charged until its carrier confirms the BYE",
    arguments: [0, 1, 2])
  func outlived(_ restarts: Int) throws {
    let bench = try Bench()
    let (_, carrier) = paidCall(bench, .seconds(10))
    bench.deaf.insert(carrier.endpoint)
    try bench.restart()
    bench.run(for: .seconds(100))
    // Again and again, from the batches and from a checkpoint.
    for count in 0..<restarts {
      try bench.restart(from: count == 0 ? nil : bench.core.checkpoint())
      bench.run(for: .seconds(5))
    }
    bench.deaf = []
    bench.run(for: .seconds(70))
    let record = try #require(bench.records.first)
    // 0.50 EUR to connect, and two begun minutes at least.
    #expect(bench.records.count == 1 && record.cause == .restart)
    #expect(record.sell.map { $0.micros >= 500_000 + 2 * 2_000_000 } == true)
    #expect(record.talkTime >= .seconds(100))
    let numbers = carrier.received(.bye).map(\.cseq.number)
    #expect(!numbers.isEmpty && bench.core.ledger.openHolds.isEmpty && bench.core.orphans.isEmpty)
    #expect(bench.alerts.contains { $0.facts.contains { $0.name == "above what was held" } })
  }

  @Test("F23: the same by what a checkpoint has that was taken while it talked")
  func outlivedCheckpoint() throws {
    let bench = try Bench()
    let (_, carrier) = paidCall(bench, .seconds(10))
    bench.deaf.insert(carrier.endpoint)
    try bench.restart(from: bench.core.checkpoint())
    bench.run(for: .seconds(100))
    #expect(bench.core.ledger.openHolds.count == 1 && bench.records.isEmpty)
    bench.deaf = []
    bench.run(for: .seconds(70))
    let record = try #require(bench.records.first)
    #expect(bench.records.count == 1 && record.payer != nil && record.trunk == TrunkID(1))
    #expect(record.talkTime >= .seconds(100) && record.legs.map(\.side) == [.caller, .callee])
    #expect(record.sell.map { $0.micros >= 500_000 + 2 * 2_000_000 } == true)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.orphans.isEmpty)
  }

  @Test("F22: the carrier's own BYE ends a call that outlived its process, charged until then")
  func outlivedUntilTheirBye() throws {
    let bench = try Bench()
    let (_, carrier) = paidCall(bench, .seconds(10))
    bench.deaf.insert(carrier.endpoint)
    try bench.restart()
    bench.run(for: .seconds(100))
    bench.deaf = []
    carrier.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(carrier.received(.bye).isEmpty && record.talkTime >= .seconds(100))
    #expect(record.sell.map { $0.micros >= 500_000 + 2 * 2_000_000 } == true)
    #expect(bench.core.ledger.openHolds.isEmpty && bench.core.orphans.isEmpty)
  }

  @Test("Alerts of two switches whose calls have the same number are not taken for one")
  func alertsOfTwoLives() throws {
    let keys = try [UInt64](0...1).map { life in
      let bench = try Bench()
      bench.run(for: .seconds(Int64(life) * 3600))
      let (_, carrier) = paidCall(bench, .seconds(10))
      bench.deaf.insert(carrier.endpoint)
      try bench.restart()
      bench.run(for: .seconds(60))
      return try #require(bench.alerts.first { $0.kind == .possiblyStillUp }).key
    }
    #expect(keys[0] != keys[1])
  }

  @Test("F23: killed after any batch, no money is forgotten and the next start is clean")
  func killedAnywhere() throws {
    let reference = try Bench()
    let (phone, _) = paidCall(reference, .seconds(70))
    phone.hangUp()
    reference.run(for: .seconds(1))
    for count in 1...reference.journal.count {
      let bench = try Bench()
      let (phone, carrier) = paidCall(bench, .seconds(70))
      phone.hangUp()
      bench.run(for: .seconds(1))
      let invites = bench.journal.prefix(count)
      let wasHeld = invites.contains { batch in
        batch.entries.contains {
          if case .call(.open(_, let record)) = $0 { record.hold != nil } else { false }
        }
      }
      let wasRecorded = invites.contains { batch in
        batch.entries.contains { if case .record = $0 { true } else { false } }
      }
      try bench.restart(keeping: count)
      // One that only rang may be refused yet, for 32 seconds.
      bench.run(for: .seconds(40))
      _ = carrier
      #expect(bench.core.ledger.openHolds.isEmpty, "after batch \(count)")
      let account = try #require(bench.core.rules.directory.extensions.first?.account)
      let standing = try #require(bench.core.ledger.standing(of: .account(account), at: bench.now))
      #expect(standing.reserved.micros == 0)
      let posted = standing.windows.map(\.posted).max() ?? 0
      #expect(!wasHeld || wasRecorded || posted >= 2_500_000, "after batch \(count): \(posted)")
    }
  }

  @Test("A checkpoint and the batches behind it give the same as all batches")
  func checkpoint() throws {
    let bench = try Bench()
    _ = paidCall(bench, .seconds(10))
    let sequence = try #require(bench.journal.last?.sequence)
    let entries = bench.core.checkpoint()
    var whole = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in bench.journal { try whole.replay(batch) }
    var short = SwitchCore(configuration: bench.core.configuration, dice: .system)
    try short.replay(checkpoint: entries, through: sequence)
    #expect(short.ledger.openHolds == whole.ledger.openHolds)
    #expect(short.orphans.keys.sorted() == whole.orphans.keys.sorted())
    #expect(
      Set(short.orphans.values.first?.dialogs ?? [])
        == Set(whole.orphans.values.first?.dialogs ?? []))
    #expect(short.bindings.checkpoint().elementsEqual(whole.bindings.checkpoint()))
    #expect(short.journal.sequence == whole.journal.sequence)
    #expect(short.callIDs.next() == whole.callIDs.next())
  }

  @Test("After a checkpoint in a quiet moment no call gets the number of one that has ended")
  func numbersAfterCheckpoint() throws {
    let bench = try Bench()
    let (phone, _) = paidCall(bench, .seconds(10))
    phone.hangUp()
    bench.run(for: .seconds(1))
    let record = try #require(bench.records.first)
    #expect(bench.core.calls.isEmpty)
    var writer = ByteWriter()
    for entry in bench.core.checkpoint() { entry.encode(into: &writer) }
    var reader = ByteReader(writer.bytes)
    var entries: [JournalEntry] = []
    while !reader.isAtEnd { entries.append(try JournalEntry(from: &reader)) }
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    try revived.replay(checkpoint: entries, through: try #require(bench.journal.last?.sequence))
    #expect(revived.callIDs.next() > record.call)
  }

  @Test("A record of a journal from before it said who answered is read, and says nothing of it")
  func olderRecord() throws {
    let bench = try Bench()
    let (phone, _) = paidCall(bench, .seconds(10))
    phone.hangUp()
    bench.run(for: .seconds(1))
    var record = try #require(bench.records.first)
    #expect(record.legs.map(\.answered) == [false, true])
    func bytes(_ record: CallDetailRecord) -> [UInt8] {
      var writer = ByteWriter()
      record.encode(into: &writer)
      return writer.bytes
    }
    var older = bytes(record).dropLast(record.legs.count)
    record.legs[1].answered = false
    var bare = record
    bare.legs = []
    older[bytes(bare).count - 4] &= 0x7F
    var reader = ByteReader(Array(older))
    #expect(try CallDetailRecord(from: &reader) == record)
    #expect(reader.isAtEnd)
  }

  @Test("Every entry reads back as it was written, and a damaged byte gives an error, not a trap")
  func coding() throws {
    let bench = try Bench()
    let (phone, _) = paidCall(bench, .seconds(10))
    phone.hangUp()
    bench.run(for: .seconds(1))
    for batch in bench.journal {
      var writer = ByteWriter()
      batch.encode(into: &writer)
      var reader = ByteReader(writer.bytes)
      let back = try JournalBatch(from: &reader)
      #expect(reader.isAtEnd && back.sequence == batch.sequence)
      var again = ByteWriter()
      back.encode(into: &again)
      #expect(again.bytes == writer.bytes)
      for index in writer.bytes.indices {
        var damaged = writer.bytes
        damaged[index] ^= 0xFF
        var reader = ByteReader(damaged)
        _ = try? JournalBatch(from: &reader)
      }
    }
  }
}
