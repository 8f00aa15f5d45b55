import Elements

@testable import Limits

// What the ledger does, done to plain lists.

extension Reference {
  mutating func reserve(_ request: ReservationRequest, as id: HoldID) throws(Refused) -> Int64 {
    let levels = levels(of: request)
    try refuseBlocked(levels)
    for subject in levels where subjects[subject]?.limits.attemptsPerHour != nil {
      try refuseFull(subject, .attempts, 1, blocks: true)
    }
    do throws(Refused) {
      guard let price = request.price else { throw Refused(words: "no rate") }
      let guardTime = request.guardTime.wholeMilliseconds
      var call = Call(
        levels: levels, basis: [:], prepaid: [], price: price, total: .zero, covered: 0,
        guardTime: guardTime, isInternational: request.isInternational)
      for subject in levels {
        call.basis[subject] = subjects[subject]?.limits.basis
        if subjects[subject]?.limits.isPrepaid == true { call.prepaid.insert(subject) }
      }
      let firstStep = [price.sell, price.purchase].map {
        Int64(max($0.minimumSeconds, $0.incrementSeconds)) * 1000
      }
      call.covered = stretched(price, max(10_000 + guardTime, firstStep.max() ?? 0))
      call.total = cost(call, call.covered)
      for subject in levels {
        try check(subject, call, before: .zero, after: call.total, isNew: true, blocks: true)
      }
      calls[id] = call
      for subject in levels {
        post(subject, .attempts, 1, nil)
        if call.isInternational { post(subject, .international, 1, id) }
      }
      return call.covered - guardTime
    } catch {
      if !error.words.hasPrefix("reached"),
        levels.contains(where: { subjects[$0]?.limits.attemptsPerHour != nil })
      {
        for subject in levels { post(subject, .attempts, 1, nil) }
      }
      throw error
    }
  }

  private func levels(of request: ReservationRequest) -> [LimitSubject] {
    let trunk = request.trunk.map { [LimitSubject.trunk($0)] } ?? []
    return [.account(request.account), .tenant(Bench.tenant)] + trunk + [.platform]
  }

  private mutating func post(
    _ subject: LimitSubject, _ quantity: Quantity, _ amount: Int64, _ hold: HoldID?
  ) {
    guard amount > 0 else { return }
    subjects[subject]?.postings.append(
      Posting(
        quantity: quantity, amount: amount, wall: wall, elapsed: elapsed, hold: hold))
  }

  private mutating func post(_ id: HoldID, through posted: Cost) {
    guard let call = calls[id] else { return }
    for subject in call.levels {
      guard let basis = call.basis[subject] else { continue }
      post(subject, .money, posted.counted(basis) - call.posted.counted(basis), nil)
      if call.prepaid.contains(subject) {
        subjects[subject]?.balance -= posted.sell - call.posted.sell
      }
    }
    calls[id]?.posted = posted
  }

  mutating func renew(_ id: HoldID, at now: Now) throws(Refused) -> Int64 {
    guard var call = calls[id], !call.isInterrupted else { throw Refused(words: "no hold") }
    guard let answer = call.answer else { return call.covered - call.guardTime }
    let talked = (now.instant - answer.instant).wholeMilliseconds
    post(id, through: call.posted.joined(cost(call, talked)))
    try refuseBlocked(call.levels)
    call = calls[id] ?? call
    var refusal = Refused(words: "")
    for length: Int64 in [30_000, 15_000, 7500, 3750, 1875, 1000] {
      let end = stretched(call.price, max(call.covered, talked + call.guardTime) + length)
      let total = call.total.joined(cost(call, end))
      do throws(Refused) {
        for subject in call.levels {
          try check(
            subject, call, before: call.total, after: total, isNew: false,
            blocks: length == 1000)
        }
        calls[id]?.total = total
        calls[id]?.covered = end
        return end - call.guardTime
      } catch {
        refusal = error
      }
    }
    throw refusal
  }

  mutating func reprice(
    _ id: HoldID, to price: Price, over trunk: TrunkID
  ) throws(Refused) -> Int64 {
    guard var call = calls[id], !call.isInterrupted else { throw Refused(words: "no hold") }
    let old = call
    call.levels = old.levels.filter {
      if case .trunk = $0 { false } else { true }
    }
    call.levels.insert(.trunk(trunk), at: 2)
    try refuseBlocked(call.levels)
    call.price = price
    let firstStep = [price.sell, price.purchase].map {
      Int64(max($0.minimumSeconds, $0.incrementSeconds)) * 1000
    }
    call.covered = stretched(price, max(10_000 + call.guardTime, firstStep.max() ?? 0))
    call.total = old.total.joined(cost(call, call.covered))
    for subject in call.levels {
      let isNew = old.basis[subject] == nil
      if isNew {
        call.basis[subject] = subjects[subject]?.limits.basis
        try refuseFull(subject, .attempts, 1, blocks: true)
      }
      try check(
        subject, call, before: isNew ? .zero : old.total, after: call.total, isNew: isNew,
        blocks: true)
    }
    for subject in old.levels where !call.levels.contains(subject) {
      call.basis[subject] = nil
      subjects[subject]?.postings.removeAll { $0.hold == id }
    }
    calls[id] = call
    for subject in call.levels where old.basis[subject] == nil {
      post(subject, .attempts, 1, nil)
      if call.isInternational { post(subject, .international, 1, id) }
    }
    return call.covered - call.guardTime
  }

  /// What is charged; nil when the call was settled before.
  mutating func finish(_ id: HoldID, _ outcome: Outcome) -> Cost? {
    guard let call = calls[id] else { return nil }
    var charged = call.total
    switch outcome {
    case .unknown: break
    case .outlived(_, let talk, _):
      charged = charged.joined(cost(call, max(0, talk.wholeMilliseconds)))
    case .neverAnswered:
      if call.answer == nil {
        charged = .zero
        for subject in call.levels {
          subjects[subject]?.postings.removeAll { $0.hold == id }
        }
      }
    case .ended(let end):
      if let answer = call.answer, !call.isInterrupted {
        charged = call.posted.joined(
          cost(call, max(0, (end - answer.instant + .nanoseconds(999_999)).wholeMilliseconds)))
      }
    }
    post(id, through: charged)
    calls[id] = nil
    return charged
  }

  /// The windows that a person's unblocking gives something to.
  func lacking(_ subject: LimitSubject) -> [(Meter, WindowKind)] {
    guard let state = subjects[subject] else { return [] }
    var lacking: [(Meter, WindowKind)] = []
    for meter in Meter.all {
      guard let limit = state.limits[meter], limit > 0 else { continue }
      var needed = max(1, limit / 10)
      if case .reached(meter, _) = state.block { needed = max(needed, state.blockNeeded) }
      for kind in WindowKind.allCases {
        let committed =
          used(subject, meter, kind) + (meter.quantity == .money ? reserved(subject) : 0)
        if limit + granted(subject, meter, kind) - committed < needed {
          lacking.append((meter, kind))
        }
      }
    }
    return lacking
  }

  mutating func unblock(_ subject: LimitSubject) {
    guard subjects[subject]?.block != nil else { return }
    for (meter, kind) in lacking(subject) {
      guard let limit = subjects[subject]?.limits[meter] else { continue }
      subjects[subject]?.grants.append(
        Gift(meter: meter, kind: kind, amount: limit, wall: wall, elapsed: elapsed))
    }
    subjects[subject]?.block = nil
  }
}

extension LimitError {
  /// The refusal in the words of the reference.
  var plainWords: String {
    switch self {
    case .blocked(let subject, _): "blocked \(subject)"
    case .reached(let subject, let meter, let kind, _): "reached \(subject) \(meter) \(kind)"
    case .neverFits(let subject, let meter, _): "never fits \(subject) \(meter)"
    case .tooManyCalls(let subject, _): "too many \(subject)"
    case .pricePerMinute(let subject, _, _): "price \(subject)"
    case .connectionFee(let subject, _, _): "fee \(subject)"
    case .costPerCall(let subject, _, _): "call cost \(subject)"
    case .balance(let subject, _, _): "balance \(subject)"
    case .takeBack: "take back"
    case .unknownRate: "no rate"
    case .unknownHold, .interrupted: "no hold"
    case .unknownAccount, .unknownTrunk, .unknownSubject, .alreadyAnswered, .currency, .outOfRange:
      description
    }
  }
}
