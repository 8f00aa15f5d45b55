import Elements
import Guard
import Limits

/// One company's traffic through the habits, and through the ledger where it matters; in virtual time.
struct HabitRun: Sendable {
  /// Whom habits have stopped.
  struct Stop: Sendable {
    let account: AccountID
    let at: Int
    let departure: Departure
    let destination: PaidCall.Destination
    let isTheft: Bool
  }

  /// What a thief got away with.
  struct Loss: Sendable {
    var calls = 0
    var micros: Int64 = 0
    var firstCall: Int?
    /// When habits or a limit had stopped the account.
    var stoppedAt: Int?
  }

  let company: Company
  private(set) var book = HabitBook()
  private(set) var stops: [Stop] = []
  private(set) var calls = 0
  private(set) var loss = Loss()
  /// Of the account that is stolen, the fixed limits.
  var till: Till?
  /// Whether habits stop anybody.
  var isGuarded = true
  private var blocked: [AccountID: Int] = [:]
  private var live: [Int: LiveCall] = [:]
  private var pending: [Step] = []
  private var lastNumber = 0

  private struct LiveCall: Sendable {
    let call: GeneratedCall
    let oddity: Oddity
    var counted: Int64
    var reservation: Reservation?
  }

  private struct Step: Sendable {
    let at: Int
    let number: Int
    /// Nil: it goes on, or ends.
    let begins: GeneratedCall?
  }

  init(_ company: Company) { self.company = company }

  /// A Monday in January.
  private static let start: Int64 = 1_767_571_200

  static func now(_ second: Int) -> Now {
    Now(
      instant: .start + .seconds(second),
      wall: WallTime(unixSeconds: start + Int64(second)))
  }

  /// Lives through one day.
  mutating func live(_ calls: [GeneratedCall], until end: Int) {
    for call in calls {
      lastNumber += 1
      pending.append(Step(at: call.start, number: lastNumber, begins: call))
    }
    pending.sort { ($0.at, $0.number) > ($1.at, $1.number) }
    while let step = pending.last, step.at < end {
      pending.removeLast()
      if let call = step.begins { begin(call, step.number) } else { goOn(step.number, at: step.at) }
    }
  }

  // MARK: - A call

  private mutating func begin(_ call: GeneratedCall, _ number: Int) {
    guard !isBlocked(call.account, at: call.start) else { return }
    let now = Self.now(call.start)
    let paid = PaidCall(
      account: call.account, tenant: company.tenant, at: now.wall, zoneOffset: 0,
      destination: call.destination, origin: call.origin, pricePerMinute: call.pricePerMinute,
      worth: 2 * call.pricePerMinute)
    let judgement = book.judge(paid, limitPerDay: company.limitPerDay)
    if isGuarded, let departure = judgement.departure {
      return stop(call, departure, at: call.start)
    }
    var reservation: Reservation?
    if till?.account == call.account {
      reservation = till?.begin(
        pricePerMinute: call.pricePerMinute,
        isInternational: call.destination.country != CallPrices.home.country,
        isAnswered: call.seconds > 0, at: now)
      guard reservation != nil else {
        if till?.isBlocked == true { stoppedByLimit(call.account, at: call.start) }
        return
      }
    }
    book.take(.called(paid, judgement.oddity))
    calls += 1
    if call.isTheft {
      loss.calls += 1
      loss.firstCall = loss.firstCall ?? call.start
    }
    live[number] = LiveCall(
      call: call, oddity: judgement.oddity, counted: paid.worth, reservation: reservation)
    schedule(number, after: call.start)
  }

  private mutating func goOn(_ number: Int, at second: Int) {
    guard let call = live[number]?.call else { return }
    guard second < call.start + call.seconds else { return end(number, at: second) }
    pay(number, at: second, isOver: false)
    guard isGuarded, let oddity = live[number]?.oddity else { return renew(number, at: second) }
    if let departure = book.judgeRunning(
      call.account, company.tenant, oddity, limitPerDay: company.limitPerDay,
      at: Self.now(second).wall, zoneOffset: 0)
    {
      stop(call, departure, at: second)
    } else {
      renew(number, at: second)
    }
  }

  private mutating func renew(_ number: Int, at second: Int) {
    guard let call = live[number]?.call else { return }
    if let hold = live[number]?.reservation?.hold {
      guard let next = till?.goOn(hold, at: Self.now(second)) else {
        if till?.isBlocked == true { stoppedByLimit(call.account, at: second) }
        return end(number, at: second)
      }
      live[number]?.reservation = next
    }
    schedule(number, after: second)
  }

  private mutating func end(_ number: Int, at second: Int) {
    pay(number, at: second, isOver: true)
    guard let gone = live.removeValue(forKey: number) else { return }
    let talked = min(second - gone.call.start, gone.call.seconds)
    if gone.call.isTheft { loss.micros += gone.call.cost(of: talked) }
    if let hold = gone.reservation?.hold {
      till?.end(hold, isAnswered: gone.call.seconds > 0, at: Self.now(second))
    }
  }

  /// Tells the habits what a call has cost above what it counts already, and at its end exactly.
  private mutating func pay(_ number: Int, at second: Int, isOver: Bool) {
    guard let running = live[number] else { return }
    let talked = min(second - running.call.start, running.call.seconds)
    let difference = running.call.cost(of: talked) - running.counted
    guard isOver ? difference != 0 : difference > 0 else { return }
    live[number]?.counted += difference
    book.take(
      .paid(
        running.call.account, company.tenant, running.oddity, difference: difference,
        at: Self.now(second).wall))
  }

  /// The next look: where the limits are watched when the slice is used up, else every two minutes.
  private mutating func schedule(_ number: Int, after second: Int) {
    guard let running = live[number] else { return }
    let end = running.call.start + max(running.call.seconds, 20)
    var next = second + 120
    if let renewAt = running.reservation?.renewAt {
      next = max(second + 1, Int((renewAt - .start) / .seconds(1)))
    }
    let step = Step(at: min(next, end), number: number, begins: nil)
    let place = pending.lastIndex { ($0.at, $0.number) >= (step.at, step.number) } ?? -1
    pending.insert(step, at: place + 1)
  }

  // MARK: - A stop

  private func isBlocked(_ account: AccountID, at second: Int) -> Bool {
    blocked[account].map { second < $0 } ?? false
  }

  private mutating func stop(_ call: GeneratedCall, _ departure: Departure, at second: Int) {
    stops.append(
      Stop(
        account: call.account, at: second, departure: departure, destination: call.destination,
        isTheft: call.isTheft))
    endAll(of: call.account, at: second)
    if till?.account == call.account {
      (blocked[call.account], loss.stoppedAt) = (.max, second)
    } else {
      // Somebody looks after two hours, finds that all is well, and lifts the block.
      blocked[call.account] = second + 7_200
      book.take(.accepted(call.account))
    }
  }

  private mutating func stoppedByLimit(_ account: AccountID, at second: Int) {
    guard !isBlocked(account, at: second) else { return }
    (blocked[account], loss.stoppedAt) = (.max, second)
    endAll(of: account, at: second)
  }

  private mutating func endAll(of account: AccountID, at second: Int) {
    for number in live.keys.sorted() where live[number]?.call.account == account {
      end(number, at: second)
    }
  }
}

extension GeneratedCall {
  /// Talk is paid by the second.
  func cost(of seconds: Int) -> Int64 { pricePerMinute * Int64(max(0, seconds)) / 60 }
}
