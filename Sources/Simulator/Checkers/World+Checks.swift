import Elements
import Guard
import Limits
import Relay
import SIP
import Switch

// What must hold (README.md): after every batch, at the gate, in the media, in the bills, and at rest.

extension World {
  /// I1 by the ledger's own windows, at every level that grew.
  func checkWindows(after batch: JournalBatch) {
    for subject in witness.takeGrown() {
      guard let standing = core.ledger.standing(of: subject, at: now) else { continue }
      for window in standing.windows where window.meter.quantity == .money {
        guard let limit = window.limit else { continue }
        if window.posted + window.reserved > limit + window.granted {
          complain("I1", "\(subject) \(window.meter) \(window.kind): \(window)")
        }
      }
    }
  }

  /// I2: no INVITE to a carrier that nobody pays for, or whose hold is not on disk.
  func checkGate(_ number: String, _ carrier: Carrier) {
    guard town.price(of: number) != nil else { return }
    let trunk = TrunkID(UInt64(carrier.trunk + 1))
    let isPaid = town.names(of: number).contains {
      witness.payer(of: $0, over: trunk, durableThrough: disk.durableThrough) != nil
    }
    if !isPaid {
      complain("I2", "INVITE for \(number) left to trunk \(trunk) without a durable hold")
    }
  }

  /// I2 for media: none reaches a carrier that nobody pays; no tenant hears another, and no call.
  func checkMedia(from agent: Int, _ call: Int, to end: (agent: Int, call: Int)) {
    if let spoken = agents[agent].calls[call].session,
      let heard = agents[end.agent].calls[end.call].session, spoken != heard
    {
      complain("sessions", "agent \(end.agent) hears agent \(agent) of another call")
    }
    if let carrier = agents[end.agent] as? Carrier, let leg = carrier.legs[end.call],
      !leg.isEmergency,
      !town.names(of: leg.number).contains(where: {
        witness.payer(of: $0, over: nil, durableThrough: .max) != nil
      })
    {
      complain("I2", "media reached the carrier for \(leg.number) without a hold")
    }
    if let speaker = agents[agent] as? Phone, let hearer = agents[end.agent] as? Phone,
      speaker.tenant != hearer.tenant
    {
      complain("tenants", "phone \(end.agent) hears phone \(agent) of another tenant")
    }
  }

  /// A carrier was asked for this number.
  func noteOffer(_ number: String) {
    for index in attempts.indices
    where number.hasSuffix(attempts[index].number) || attempts[index].number == number {
      attempts[index].wasOffered = true
    }
  }

  /// A carrier answered: it bills from now on.
  func noteAnswer(_ carrier: Carrier, _ call: Int, _ number: String) {
    guard let payer = payer(of: number) else { return }
    billed[payer, default: []].append((carrier, call))
  }

  /// I3 and I7: what the carriers bill for an account is within what was spent and within its limit.
  func checkBill(of number: String) {
    guard let payer = payer(of: number) else { return }
    checkBill(of: payer)
  }

  private func payer(of number: String) -> AccountID? {
    town.names(of: number).lazy.compactMap { self.witness.payers[$0] }.first
  }

  /// At rest every end is proven, so that all of it must be there, also what came after a death; a wall clock that
  /// has leapt meanwhile measures that wrongly.
  private func checkBill(of payer: AccountID, isOver: Bool = false) {
    guard let sum = witness.sums[.account(payer)] else { return }
    var bill = MoneyWitness.Sum()
    let legs = (billed[payer] ?? []).compactMap { $0.carrier.legs[$0.call] }.filter(\.isKnown)
    let isProven = isOver && options.clockSteps == 0
    let talk = { [now] (leg: CarrierLeg) in
      isProven && !leg.isForsaken
        ? leg.proven(at: now.instant) : leg.due(at: now.instant, guardTime: Self.guardTime)
    }
    for leg in legs {
      let cost = Cost(sell: leg.sell.charge(talk(leg)), purchase: leg.tariff.charge(talk(leg)))
      bill.change(from: .zero, to: cost)
    }
    if bill.purchase > sum.purchase || bill.sell > sum.sell {
      complain(
        "I3",
        """
        account \(payer): the carriers' own bill is \(bill.purchase) (sell \(bill.sell)), the ledger \
        has \(sum.purchase) (sell \(sum.sell)), for \
        \(legs.map { "\($0.number) of \(talk($0).wholeMilliseconds) ms" }.joined(separator: ", "))
        """)
    }
    guard witness.isWithinDay, !isOver, let limits = sum.limits, let limit = sum.highestLimit else {
      return
    }
    let counted = bill.counted(limits.basis)
    // What was answered when nobody waited any more is owed, whatever the limit says.
    if counted > limit + sum.granted + sum.owed {
      complain(
        "I7", "account \(payer): the carriers' own bill is \(counted) of \(limit) + \(sum.granted)")
    }
  }

  // MARK: - The journal

  /// Checker 10: what was handed to the disk makes the same ledger again, and the same habits.
  func checkJournal() {
    if let sabotage, sabotage.isInMemoryOnly { return }
    var (ledger, habits) = (Ledger(), HabitBook())
    do {
      for item in disk.everything {
        guard case .batch(_, let bytes) = item else { continue }
        var reader = ByteReader(bytes)
        for entry in try JournalBatch(from: &reader).entries {
          if case .ledger(let entry) = entry { try ledger.replay(entry) }
          if case .habit(let change) = entry { habits.take(change) }
        }
      }
      guard habits.checkpoint().elementsEqual(core.habits.checkpoint()) else {
        return complain("journal", "replaying the journal does not give the habits back")
      }
      let live = Array(core.ledger.checkpoint())
      // The clock moves without entries; everything else must have been written.
      if let clock = live.last { try ledger.replay(clock) }
      guard live.elementsEqual(ledger.checkpoint()) else {
        return complain("journal", "replaying the journal does not give the ledger back")
      }
    } catch {
      complain("journal", "\(error)")
    }
  }

  /// Reads back what a start finds on the disk; false where it does not fit together.
  func readJournal() -> Bool {
    (witness, batches) = (MoneyWitness(), BatchChecker(options.disk))
    witness.isWithinDay = !hasLostTime
    do {
      var last: UInt64 = 0
      for item in disk.durable {
        guard case .batch(let sequence, let bytes) = item else { continue }
        guard sequence == last + 1 else {
          complain("journal", "batch \(sequence) follows batch \(last)")
          return false
        }
        last = sequence
        var reader = ByteReader(bytes)
        let batch = try JournalBatch(from: &reader)
        if let words = witness.read(batch) ?? batches.read(batch)?.words {
          complain("journal", words)
        }
      }
      _ = witness.takeGrown()
      for item in disk.replay { try replay(item) }
    } catch {
      complain("journal", "\(error)")
      return false
    }
    return true
  }

  private func replay(_ item: VirtualDisk.Item) throws {
    switch item {
    case .batch(_, let bytes):
      var reader = ByteReader(bytes)
      try core.replay(JournalBatch(from: &reader))
    case .checkpoint(let sequence, let bytes):
      var reader = ByteReader(bytes)
      var entries: [JournalEntry] = []
      for _ in 0..<(try reader.read(UInt32.self)) {
        entries.append(try JournalEntry(from: &reader))
      }
      try core.replay(checkpoint: entries, through: sequence)
    }
  }

  // MARK: - At rest

  /// Everything has ended: nothing is left, everything is recorded, every bill is covered.
  func checkRest() {
    if !core.load.isAtRest { complain("rest", "left: \(core.load)") }
    if relay.sessionCount > 0 { complain("rest", "\(relay.sessionCount) media sessions are left") }
    if !witness.holds.isEmpty { complain("rest", "\(witness.holds.count) holds are open") }
    let unrecorded = batches.unrecorded
    if !unrecorded.isEmpty { complain("records", "calls \(unrecorded) have no record") }
    for payer in billed.keys.sorted() { checkBill(of: payer, isOver: true) }
    checkJournal()
    for proof in proofs where attempts[proof].final != 200 {
      complain(
        "healing",
        """
        after all faults a call to \(attempts[proof].number) ended with \
        \(attempts[proof].final.map(String.init) ?? "nothing")
        """)
    }
  }

  /// I4 as its caller sees it, in worlds where nothing but us can have refused it.
  func checkEmergencies() {
    guard options.crashes == 0, options.partitions == 0, options.operatorActions == 0,
      options.bindFailures == nil,
      options.phones.loss == 0, options.carriers.loss == 0
    else { return }
    for attempt in attempts where attempt.kind == .emergency {
      guard let final = attempt.final, final >= 400, final != 487 else { continue }
      complain("I4", "an emergency call was refused with \(final)")
    }
  }
}
