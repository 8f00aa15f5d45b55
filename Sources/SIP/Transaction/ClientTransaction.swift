import Elements
import SIPSyntax

/// A request that we sent: its machine, and what repeating and cancelling it need, and a datagram instead of a stream.
struct ClientTransaction: Sendable {
  enum Machine: Sendable {
    case invite(InviteClientTransaction)
    case other(NonInviteClientTransaction)
  }

  enum Input {
    case response(StatusCode)
    case cancelSent
    case transportFailed
    case deadline
  }

  struct Effects: OptionSet {
    let rawValue: UInt8
    static let sendRequest = Effects(rawValue: 1)
    static let sendAcknowledgement = Effects(rawValue: 2)
    static let deliver = Effects(rawValue: 4)
    static let timeOut = Effects(rawValue: 8)
    static let fail = Effects(rawValue: 16)
  }

  enum Cancellation: Hashable, Sendable {
    case none
    /// Waits for the first provisional response (RFC 3261 §9.1).
    case wanted([HeaderDraft])
    case sent
  }

  var machine: Machine
  private(set) var plan: RequestPlan
  /// The request as it left, to repeat it.
  private(set) var bytes: [UInt8]
  let branch: [UInt8]
  let destination: Destination
  let key: Fingerprint
  /// The dialog that the request is in.
  let dialog: DialogID?
  /// Where it goes as a datagram if nobody takes it over a stream (RFC 3261 §18.1.1).
  let fallback: NextHop?
  /// Nobody waits for the outcome: a CANCEL of ours.
  let isSilent: Bool
  var cancellation = Cancellation.none
  /// Early dialogs of this INVITE that are not confirmed.
  var earlyDialogs: [DialogID] = []
  /// The dialogs that a 2xx of this INVITE has made, whether they are still there or not.
  var acceptedForks: [Fingerprint] = []
  /// The ACK of a 300…699.
  var acknowledgement: [UInt8] = []
  var scheduled: Instant?

  init(
    _ plan: RequestPlan, bytes: [UInt8], branch: [UInt8], destination: Destination,
    key: Fingerprint, fallback: NextHop?, timers: TransactionTimers, at now: Instant
  ) {
    (self.plan, self.bytes, self.branch) = (plan, bytes, branch)
    (self.destination, self.key, self.fallback) = (destination, key, fallback)
    (dialog, isSilent) = (plan.dialog, plan.isSilent)
    let isReliable = destination.transport.isReliable
    machine =
      plan.method == .invite
      ? .invite(InviteClientTransaction(timers: timers, isReliable: isReliable, at: now))
      : .other(NonInviteClientTransaction(timers: timers, isReliable: isReliable, at: now))
  }

  /// Dialogs that one INVITE may make; what forks further is not answered.
  static let forkLimit = 16

  var method: Method { plan.method }

  /// Whether a 2xx may make this dialog: it has not done so before, and there is room.
  func mayFork(to dialog: Fingerprint) -> Bool {
    acceptedForks.count < Self.forkLimit && !acceptedForks.contains(dialog)
  }

  var isTerminated: Bool {
    switch machine {
    case .invite(let machine): machine.isTerminated
    case .other(let machine): machine.isTerminated
    }
  }

  /// Waits for its final response.
  var isPending: Bool {
    switch machine {
    case .invite(let machine): machine.isPending
    case .other(let machine): machine.isPending
    }
  }

  /// Nothing has been heard of it, and it has been sent once.
  var hasLeftOnce: Bool {
    switch machine {
    case .invite(let machine): machine.hasLeftOnce
    case .other(let machine): machine.hasLeftOnce
    }
  }

  /// Whether it is over when a datagram of it did not arrive.
  ///
  /// So it is when that was the only one, or where it asks for nothing that costs: a peer that went away behind the first copy of
  /// an OPTIONS or a REGISTER is known to be away by the second.
  var endsUnreachable: Bool { hasLeftOnce || method == .options || method == .register }

  /// Has a provisional response, and no final one.
  var isProceeding: Bool {
    if case .invite(let machine) = machine { machine.isProceeding } else { false }
  }

  var deadline: Instant? {
    switch machine {
    case .invite(let machine): machine.deadline
    case .other(let machine): machine.deadline
    }
  }

  /// What a turn of the machine leaves to be done.
  struct Turned {
    let effects: Effects
    let method: Method
    let dialog: DialogID?
    let isSilent: Bool
    let isTerminated: Bool
    /// When to look after the transaction, if that has to be queued.
    let due: Instant?
  }

  /// Turns the machine.
  mutating func turn(_ input: Input, at now: Instant) -> Turned {
    let effects = handle(input, at: now)
    return Turned(
      effects: effects, method: plan.method, dialog: dialog, isSilent: isSilent,
      isTerminated: isTerminated, due: claimDeadline())
  }

  /// Turns the machine by a response with our branch; nil if it is not to this request.
  mutating func turn(by response: Message, _ status: StatusCode, at now: Instant) -> Turned? {
    guard isAnswered(by: response) else { return nil }
    let turned = turn(.response(status), at: now)
    if status.isFinal { letGo() }
    return turned
  }

  /// Answered, it stays for half a minute to take copies of the answer: what it needs for that alone.
  private mutating func letGo() {
    (bytes, plan.body) = ([], nil)
    // The ACK goes the way of its INVITE.
    plan.headers.removeAll { $0.name != .known(.route) }
  }

  private mutating func handle(_ input: Input, at now: Instant) -> Effects {
    switch machine {
    case .invite(var invite):
      var effects: [InviteClientTransaction.Effect] = []
      invite.handle(input.forInvite, at: now, into: &effects)
      machine = .invite(invite)
      return effects.reduce(into: []) { $0.insert(Effects($1)) }
    case .other(var other):
      guard let input = input.forOthers else { return [] }
      var effects: [NonInviteClientTransaction.Effect] = []
      other.handle(input, at: now, into: &effects)
      machine = .other(other)
      return effects.reduce(into: []) { $0.insert(Effects($1)) }
    }
  }
}

extension ClientTransaction.Effects {
  fileprivate init(_ effect: InviteClientTransaction.Effect) {
    self =
      switch effect {
      case .sendRequest: .sendRequest
      case .sendAcknowledgement: .sendAcknowledgement
      case .deliver: .deliver
      case .timeOut: .timeOut
      case .fail: .fail
      }
  }

  fileprivate init(_ effect: NonInviteClientTransaction.Effect) {
    self =
      switch effect {
      case .sendRequest: .sendRequest
      case .deliver: .deliver
      case .timeOut: .timeOut
      case .fail: .fail
      }
  }
}

extension ClientTransaction.Input {
  fileprivate var forInvite: InviteClientTransaction.Input {
    switch self {
    case .response(let status):
      status.isProvisional ? .provisional : status.isSuccess ? .success : .failure
    case .cancelSent: .cancelSent
    case .transportFailed: .transportFailed
    case .deadline: .deadline
    }
  }

  fileprivate var forOthers: NonInviteClientTransaction.Input? {
    switch self {
    case .response(let status): status.isProvisional ? .provisional : .final
    case .cancelSent: nil
    case .transportFailed: .transportFailed
    case .deadline: .deadline
    }
  }
}
