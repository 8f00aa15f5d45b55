package import Directory
package import Elements
import Guard
import Limits
import SIP

// What operators ask, and what takes force while calls go on.

extension SwitchCore {
  mutating func handle(_ command: SwitchCommand, token: CommandToken, at now: Now) {
    let reply: CommandReply =
      switch command {
      case .adopt(let rules): adopt(rules, at: now)
      case .drain: drain(at: now)
      case .undrain: undrain()
      case .hangUpAll: hangUpAll(at: now)
      case .hangUp(let call): hangUp(call, at: now)
      case .block(let subject, let by, let reason):
        block(subject, by: by, reason: reason, at: now)
      case .unblock(let subject, let by, let reason, let isTheft):
        unblock(subject, by: by, reason: reason, isTheft: isTheft, at: now)
      case .deposit(let amount, let subject, let reference, let by):
        deposit(amount, to: subject, reference: reference, by: by, at: now)
      case .acceptClock(let by): acceptClock(by: by, at: now)
      case .calls(let tenant): .calls(callSummaries(of: tenant))
      case .registrations(let tenant): .registrations(registrations(of: tenant, at: now))
      case .attendance: .attendance(attendance(at: now.wall))
      case .trunks: .trunks(trunkSummaries(at: now.instant))
      case .limits(let subject):
        ledger.standing(of: subject, at: now).map(CommandReply.limits)
          ?? .refused("\(name(of: subject)) is not in the ledger.")
      case .habits(let account): .habits(habitStanding(of: account, at: now))
      case .status: .status(currentStatus(at: now))
      case .bans(let request): bans(request, at: now)
      }
    if case .done = reply, command.mustLast { return promise(token) }
    self.reply(reply, to: token)
  }

  private mutating func adopt(_ new: Rulebook, at now: Now) -> CommandReply {
    let old = rules
    rules = new
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    ledger.adopt(new.limitBook, at: now, into: &entries, notices: &notices)
    write(entries, notices, at: now)
    let directory = new.directory
    tellHabitRules(since: old, at: now)
    dismissPhones(directory)
    novelties.retain { directory.line(paying: $0) != nil }
    habits.retain({ directory.line(paying: $0) != nil }, { directory.tenant($0) != nil })
    adoptTrunks(old, at: now)
    renewLastSlices(at: now)
    settleUnpriced(at: now)
    adoptEdge()
    if old.directory.tenants.isEmpty { befriendPhones(at: now) }
    spareCarriers(at: now)
    log(
      .info, "directory adopted", Alert.Fact("revision", "\(directory.revision)"),
      Alert.Fact("tenants", "\(directory.tenants.count)"))
    return .done
  }

  /// Phones that are no more, or that are where they may not be any more, are not called any more.
  private mutating func dismissPhones(_ directory: DirectorySnapshot) {
    var foreign: [Binding] = []
    let changes = bindings.retain {
      directory.line($0) != nil
    } stays: { binding in
      let stays = directory.admits(
        binding.flow.remote.address, binding.device, for: binding.extension)
      if !stays { foreign.append(binding) }
      return stays
    }
    write(changes)
    for binding in foreign {
      log(
        .warning, "registration ended", tenant: binding.tenant,
        Alert.Fact("extension", directory.line(binding.extension).map { "\($0.digits)" } ?? ""),
        Alert.Fact("from", "\(binding.flow.remote)"))
    }
  }

  private mutating func drain(at now: Now) -> CommandReply {
    isDraining = true
    log(.info, "draining", Alert.Fact("calls", "\(calls.count)"))
    tellDrained()
    return .done
  }

  private mutating func undrain() -> CommandReply {
    isDraining = false
    return .done
  }

  private mutating func hangUpAll(at now: Now) -> CommandReply {
    for id in calls.keys.sorted() { end(id, .draining, at: now) }
    // Who does not confirm its end by then is left to the next process.
    if isDraining { agenda.schedule(.leave, at: now.instant + configuration.calls.leaving) }
    return .done
  }

  private mutating func hangUp(_ id: CallID, at now: Now) -> CommandReply {
    guard calls[id] != nil else { return .refused("There is no call \(id).") }
    end(id, .operatorAction, at: now)
    return .done
  }

  private mutating func end(_ id: CallID, _ cause: HangupCause, at now: Now) {
    withCall(id, at: now) { (core, call) throws(LegContradiction) in
      try core.end(&call, cause, by: .system, at: now)
    }
  }

  private mutating func block(
    _ subject: LimitSubject, by person: String, reason: String, at now: Now
  ) -> CommandReply {
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    let isDone = ledger.block(
      subject, by: person, reason: reason, at: now, into: &entries, notices: &notices)
    write(entries, notices, at: now)
    guard isDone else { return .refused("\(name(of: subject)) is blocked by hand already.") }
    log(
      .warning, "blocked", Alert.Fact("subject", "\(subject)"), Alert.Fact("by", person),
      Alert.Fact("reason", reason))
    return .done
  }

  private mutating func unblock(
    _ subject: LimitSubject, by person: String, reason: String, isTheft: Bool, at now: Now
  ) -> CommandReply {
    var entries: [LedgerEntry] = []
    var notices: [LedgerNotice] = []
    let block = ledger.block(of: subject)
    let isDone = ledger.unblock(subject, by: person, at: now, into: &entries, notices: &notices)
    write(entries, notices, at: now)
    guard isDone else { return .refused("\(name(of: subject)) is not blocked.") }
    if case .account(let account) = subject { teach(account, by: block, isTheft: isTheft) }
    renewLastSlices(at: now)
    log(
      .info, "unblocked", Alert.Fact("subject", "\(subject)"), Alert.Fact("by", person),
      Alert.Fact("reason", reason))
    return .done
  }

  private mutating func deposit(
    _ amount: Money, to subject: LimitSubject, reference: String, by person: String, at now: Now
  ) -> CommandReply {
    guard journal.failure == nil else {
      return .refused("The journal cannot be written, so nothing was paid in.")
    }
    var entries: [LedgerEntry] = []
    do throws(LimitError) {
      try ledger.deposit(amount, to: subject, reference: reference, at: now, into: &entries)
    } catch {
      write(entries, [], at: now)
      return .refused("\(error)")
    }
    write(entries, [], at: now)
    renewLastSlices(at: now)
    log(
      .info, "paid in", Alert.Fact("subject", "\(subject)"), Alert.Fact("amount", "\(amount)"),
      Alert.Fact("by", person), Alert.Fact("reference", reference))
    return ledger.standing(of: subject, at: now).map(CommandReply.limits)
      ?? .refused("\(name(of: subject)) is not in the ledger.")
  }

  private mutating func acceptClock(by person: String, at now: Now) -> CommandReply {
    var entries: [LedgerEntry] = []
    ledger.acceptClock(at: now, into: &entries)
    guard !entries.isEmpty else {
      return .refused(
        "The ledger's clock does not stand ahead of this machine's: nothing to accept.")
    }
    write(entries, [], at: now)
    log(.warning, "clock accepted", Alert.Fact("by", person))
    return .done
  }

  // MARK: - Questions

  private func callSummaries(of tenant: TenantID?) -> [CallSummary] {
    calls.keys.sorted().compactMap { calls[$0]?.value }
      .filter { tenant == nil || $0.record.tenant == tenant }
      .map { call in
        let paid = call.legs.indices.last { call.legs[$0].paid != nil }.map { call.legs[$0].paid }
        let outside = call.legs.indices.last { call.legs[$0].party.trunk != nil }
        return CallSummary(
          call: call.id, tenant: call.record.tenant, direction: call.record.direction,
          state: call.phase.rawValue, caller: call.record.caller, dialled: call.record.dialled,
          startedAt: call.record.startedAt, answeredAt: call.record.answeredAt,
          payer: paid??.account, trunk: outside.flatMap { call.legs[$0].party.trunk },
          committed: paid??.reservation.held)
      }
  }

  private func registrations(of tenant: TenantID?, at now: Now) -> [RegistrationSummary] {
    bindings.all(at: now.wall).filter { tenant == nil || $0.tenant == tenant }.map {
      RegistrationSummary(
        tenant: $0.tenant, extension: $0.extension, contact: $0.contact,
        transport: "\($0.flow.transport.viaToken)".lowercased(), remote: $0.flow.remote,
        userAgent: $0.userAgent, registeredAt: $0.registeredAt, expiresAt: $0.expiresAt)
    }
  }

  /// Registered phones, carriers at the addresses that they are called at, and where their running calls came from.
  ///
  /// After a replay, which knows of phones only, as the journal has it.
  package func attendance(at wall: WallTime) -> [Presence] {
    var present = bindings.attendance(at: wall).map {
      Presence(
        .phone($0.extension, $0.device), at: $0.flow.remote.address, since: $0.registeredAt)
    }
    for id in trunks.keys.sorted() {
      guard let state = trunks[id] else { continue }
      for address in Set(state.hops.map(\.remote.address)).sorted() {
        present.append(Presence(.carrier(id), at: address, since: state.since))
      }
    }
    for id in calls.keys.sorted() {
      guard let call = calls[id]?.value, let trunk = call.caller.party.trunk,
        let flow = call.caller.flow
      else { continue }
      present.append(
        Presence(.carrier(trunk), at: flow.remote.address, since: call.record.startedAt))
    }
    return present
  }

  private func trunkSummaries(at now: Instant) -> [TrunkSummary] {
    rules.directory.trunks.compactMap { trunk in
      guard let state = trunks[trunk.id] else { return nil }
      let (word, reason) = state.words(at: now)
      return TrunkSummary(
        trunk: trunk.id, name: trunk.name, state: word, since: state.since,
        channels: trunk.channels, channelsInUse: state.channelsInUse,
        addresses: state.hops.map(\.remote), reason: reason)
    }
  }

  private func currentStatus(at now: Now) -> SwitchStatus {
    var status = status
    status.bans = admission.standingCount(at: now.wall)
    status.listed = admission.listedCount(at: now.wall)
    status.callsActive = calls.count
    status.callsTalking = calls.values.count { $0.value.phase == .talking }
    status.registrations = bindings.count
    status.transactions = sip.load.clientTransactions + sip.load.serverTransactions
    // Not those that are left only for the calls over them.
    let known = rules.directory.trunks.compactMap { trunks[$0.id] }
    status.trunksUp = known.count { $0.health == .up }
    status.trunksDown = known.count(where: \.isDown)
    status.journalSequence = journal.sequence
    status.journalDurableThrough = journal.durableThrough
    status.journalFailed = journal.failure != nil
    status.draining = isDraining
    status.blocked = ledger.blockedSubjects.count
    return status
  }
}

extension TrunkState {
  /// The state in one word, and why it is not up, or will not be for long.
  func words(at now: Instant) -> (state: String, reason: String) {
    if case .down(let reason) = health { return ("down", reason) }
    let trouble = registration?.trouble ?? ""
    if let registration, !registration.holds(at: now) { return ("registering", trouble) }
    guard health == .up else { return ("unknown", complaint ?? "it has not answered yet") }
    return ("up", trouble.isEmpty ? "" : "its registration was not renewed: \(trouble)")
  }
}

extension TrunkRegistration {
  var trouble: String {
    if case .failed(let reason, _) = state { reason } else { "" }
  }
}
