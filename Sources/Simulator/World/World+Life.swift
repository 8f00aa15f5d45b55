import Directory
import Elements
import Limits
import Relay
import SIP
import Switch

// Who lives in the world, what is planned for it, and how it ends.

extension World {
  /// Fills the world and its agenda; everything is drawn here, in a fixed order.
  func populate() {
    for trunk in 0..<2 {
      let endpoint = Endpoint(IPAddress(v4: 0xC000_0232 + UInt32(trunk)), 5060)
      let carrier = Carrier(self, index: agents.count, trunk: trunk, endpoint: endpoint)
      join(carrier, options.carriers)
      carriers.append(carrier)
    }
    for line in town.lines.indices { addPhone(line) }
    for _ in 0..<options.calls { planCall() }
    for _ in 0..<options.emergencies {
      plan(.emergency, by: phone(of: anyLine()), "112", at: dice.moment(within: options.life))
    }
    planTheft()
    planTrouble()
    schedule(.heal, after: options.life)
  }

  private func join(_ agent: SimulatedAgent, _ faults: LinkFaults, nat: VirtualNAT? = nil) {
    agents.append(agent)
    network.join(agent.endpoint, faults, nat: nat)
  }

  private func addPhone(_ line: Int) {
    let index = agents.count
    let isProof = line >= town.lines.count - 2
    let isBehindNAT = options.natSeconds != nil && !isProof && dice.chance(1, in: 2)
    let address = IPAddress(v4: (isBehindNAT ? 0x0A00_0000 : 0xC633_6400) + UInt32(10 + line))
    let hasTemper = !isProof && dice.chance(options.phoneTrouble, in: 100)
    let temper = hasTemper ? Phone.Temper.allCases.randomElement(using: &dice) : nil
    let phone = Phone(
      self, index: index, line: line, endpoint: Endpoint(address, 5060), temper: temper ?? .good)
    var nat: VirtualNAT?
    if isBehindNAT, let patience = options.natSeconds {
      nat = VirtualNAT(
        IPAddress(v4: 0xCB00_7164 + UInt32(line)), firstPort: 40_000, patience: .seconds(patience))
      if dice.chance(2, in: 3) { schedule(.act(index, .keepAlive), after: .seconds(10)) }
    }
    join(phone, options.phones, nat: nat)
    schedule(.act(index, .register), after: dice.milliseconds(50...2_000))
    if temper == .garbles {
      for _ in 0..<10 {
        schedule(.act(index, .garble), after: dice.moment(within: options.life))
      }
    }
    if temper == .dies { schedule(.act(index, .die), after: dice.moment(within: options.life)) }
  }

  /// The first phone of a line.
  private func phone(of line: Int) -> Int { carriers.count + line }

  private func anyLine() -> Int { Int.random(in: 0..<options.extensions, using: &dice) }

  // MARK: - Plans

  @discardableResult
  private func plan(
    _ kind: Attempt.Kind, by caller: Int, _ number: String, talk: Duration? = nil,
    at moment: Duration
  ) -> Int {
    let talk = talk ?? dice.milliseconds(dice.chance(1, in: 4) ? 200...2_000 : 1_000...90_000)
    let patience = dice.milliseconds(dice.chance(1, in: 4) ? 100...4_000 : 4_000...60_000)
    attempts.append(
      Attempt(kind: kind, caller: caller, number: number, talk: talk, patience: patience))
    schedule(.act(caller, .dial(attempt: attempts.count - 1)), after: .seconds(3) + moment)
    return attempts.count - 1
  }

  /// A number of its own for every call, so that what is seen on a wire can be told apart.
  private func number(_ kind: Attempt.Kind) -> String {
    let serial = attempts.count
    switch kind {
    case .national, .proof: return "9762\(10_000 + serial)"
    case .international: return "+44207946\(2_000 + serial)"
    case .satellite: return "+88212345\(10_000 + serial)"
    case .inside: return town.lines[anyLine()].number
    case .inbound: return Town.ownNumber(anyLine())
    case .emergency: return "112"
    }
  }

  private func planCall() {
    let kinds: [Attempt.Kind] = [
      .inside, .national, .national, .international, .international, .satellite, .inbound,
    ]
    let kind = kinds.randomElement(using: &dice) ?? .national
    let caller =
      kind == .inbound
      ? Int.random(in: 0..<carriers.count, using: &dice) : phone(of: anyLine())
    plan(kind, by: caller, number(kind), at: dice.moment(within: options.life))
  }

  /// A thief with the password of a line: many calls at once, as dear and as long as can be.
  private func planTheft() {
    guard options.theft > 0 else { return }
    let thief = Phone(
      self, index: agents.count, line: anyLine(),
      endpoint: Endpoint(IPAddress(v4: 0xCB00_7142), 5062), temper: .good)
    join(thief, options.phones)
    let start = dice.moment(within: options.life)
    let spread = dice.milliseconds(0...60_000)
    if dice.chance(1, in: 3) { schedule(.act(thief.index, .register), after: .seconds(1) + start) }
    for _ in 0..<options.theft {
      let kind: Attempt.Kind = dice.chance(1, in: 4) ? .international : .satellite
      let talk = dice.chance(1, in: 5) ? dice.milliseconds(100...3_000) : .seconds(3600)
      plan(
        kind, by: thief.index, number(kind), talk: talk, at: start + dice.moment(within: spread))
    }
  }

  private func planTrouble() {
    for _ in 0..<options.crashes { schedule(.crash, after: dice.moment(within: options.life)) }
    for _ in 0..<options.disk.failures {
      schedule(
        .fault(.disk(dice.milliseconds(100...20_000))), after: dice.moment(within: options.life))
    }
    for _ in 0..<options.partitions {
      let link = Int.random(in: 0..<agents.count, using: &dice)
      schedule(
        .fault(.cut(link: link, dice.milliseconds(500...40_000))),
        after: dice.moment(within: options.life))
    }
    for _ in 0..<options.clockSteps {
      let steps: [Duration] = [
        .seconds(-3600), .seconds(3600), .seconds(86_400), .seconds(-1), .milliseconds(-300),
        .seconds(1),
      ]
      schedule(
        .fault(.clock(steps.randomElement(using: &dice) ?? .seconds(1))),
        after: dice.moment(within: options.life))
    }
    for _ in 0..<options.operatorActions {
      schedule(
        .hand(Hand.allCases.randomElement(using: &dice) ?? .status),
        after: dice.moment(within: options.life))
    }
    for _ in 0..<options.checkpoints {
      schedule(.checkpoint, after: dice.moment(within: options.life))
    }
  }

  // MARK: - Death and start

  func crash() {
    guard isUp, !isHealed else { return }
    trace.note("crash", at: now.instant, "process \(process)")
    checkJournal()
    isUp = false
    process += 1
    disk.crash(at: now.instant, dice: &dice)
    for carrier in carriers { carrier.switchDied() }
    sockets.removeAll()
    socketsByEndpoint.removeAll()
    schedule(.start, after: dice.milliseconds(200...20_000))
  }

  func start() {
    core = SwitchCore(
      configuration: Self.configuration, dice: .seeded(SplitMix(seed: dice.next())))
    relay = RelayCore(
      configuration: Self.relayConfiguration(sabotage), dice: .seeded(SplitMix(seed: dice.next())))
    (isUp, switchWake, relayWake) = (true, .never, .never)
    trace.note("start", at: now.instant, "process \(process)")
    noteLostTime()
    guard readJournal() else { return }
    sabotage?.beforeRecovery(in: self)
    core.recover(at: now, into: &switchEffects)
    performEffects()
    keepSwitchDeadline()
    schedule(.adopt(process: process), after: .milliseconds(20))
  }

  func adopt() {
    do {
      give(.command(CommandToken(1), .adopt(try town.rulebook())))
    } catch {
      complain("town", "\(error)")
    }
  }

  func checkpoint() {
    guard isUp, let sequence = disk.lastSequence else { return }
    var writer = ByteWriter()
    let entries = Array(core.checkpoint())
    writer.write(UInt32(entries.count))
    for entry in entries { entry.encode(into: &writer) }
    put(.checkpoint(through: sequence, writer.bytes))
  }

  // MARK: - Operators

  func lendHand(_ hand: Hand) {
    guard isUp else { return }
    trace.note("hand", at: now.instant, "\(hand)")
    let token = CommandToken(2)
    switch hand {
    case .limits:
      town.changeLimits(dice: &dice)
      adopt()
    case .unblock:
      if let subject = core.ledger.blockedSubjects.randomElement(using: &dice) {
        give(.command(token, .unblock(subject, by: "operator", reason: "it was us")))
      }
    case .hangUp:
      if let call = batches.unrecorded.randomElement(using: &dice) {
        give(.command(token, .hangUp(call)))
      }
    case .status: give(.command(token, .status))
    }
  }

  // MARK: - The end

  /// All faults are over and nobody calls any more: running calls are ended, limits lifted.
  func heal() {
    guard isUp else { return schedule(.heal, after: .seconds(1)) }
    trace.note("heal", at: now.instant, "")
    checkEmergencies()
    isHealed = true
    network.heal()
    disk.failsUntil = .start
    town.liftSharedLimits()
    adopt()
    give(.command(CommandToken(3), .hangUpAll))
    schedule(.prove, after: .seconds(40))
  }

  /// What was under way has ended: from here on two calls must be answered, and then all comes to rest.
  func prove() {
    isQuiet = true
    give(.command(CommandToken(3), .hangUpAll))
    for subject in core.ledger.blockedSubjects {
      give(.command(CommandToken(3), .unblock(subject, by: "operator", reason: "healed")))
    }
    let (first, second) = (phone(of: town.lines.count - 2), phone(of: town.lines.count - 1))
    schedule(.act(first, .register), after: .zero)
    schedule(.act(second, .register), after: .zero)
    let inside = town.lines[town.lines.count - 1].number
    for (caller, number) in [(first, inside), (second, self.number(.proof))] {
      attempts.append(
        Attempt(
          kind: .proof, caller: caller, number: number, talk: .seconds(3), patience: .seconds(10)))
      proofs.append(attempts.count - 1)
      schedule(.act(caller, .dial(attempt: attempts.count - 1)), after: .seconds(1))
    }
  }

  /// Runs the whole life and looks at what is left of it.
  package func live() {
    while violations.isEmpty, !isQuiet { run(until: now.instant + .seconds(10)) }
    run(until: now.instant + .seconds(15))
    var rest = 0
    while violations.isEmpty, rest < 300, !core.load.isAtRest || relay.sessionCount > 0 {
      rest += 1
      run(until: now.instant + .seconds(1))
    }
    if violations.isEmpty { checkRest() }
  }
}
