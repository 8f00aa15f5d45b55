import Elements
import SIPSyntax

/// A request that we got: its machine, and what an answer needs.
struct ServerTransaction: Sendable {
  enum Machine: Sendable {
    case invite(InviteServerTransaction)
    case other(NonInviteServerTransaction)
  }

  enum Input {
    case requestAgain
    case respond(StatusCode)
    case acknowledged
    case transportFailed
    case deadline
  }

  enum Effect {
    case sendResponse
    case sendTrying
  }

  var machine: Machine
  /// Nil when it has its final response: only that is repeated, for half a minute.
  private(set) var request: Message?
  let flow: Flow
  let key: Fingerprint
  /// The name under which merged copies are found; nil within a dialog.
  let mergeKey: Fingerprint?
  /// The tag of our responses; drawn when the first one needs it.
  var localTag: [UInt8]?
  /// Our latest response, to repeat it.
  var latest: [UInt8] = []
  var dialog: DialogID?
  /// In the dialog of somebody else's address, and not yet admitted.
  var isStranger = false
  var isCancelled = false
  var provisionals: ProvisionalQueue?
  var scheduled: Instant?

  init(
    _ request: Message, on flow: Flow, key: Fingerprint, mergeKey: Fingerprint?,
    timers: TransactionTimers, dialog: DialogID? = nil, isStranger: Bool = false, at now: Instant
  ) {
    (self.request, self.flow, self.key, self.mergeKey) = (request, flow, key, mergeKey)
    (self.dialog, self.isStranger) = (dialog, isStranger)
    let isReliable = flow.transport.isReliable
    machine =
      request.method == .invite
      ? .invite(InviteServerTransaction(timers: timers, isReliable: isReliable, at: now))
      : .other(NonInviteServerTransaction(timers: timers, isReliable: isReliable))
  }

  var isTerminated: Bool {
    switch machine {
    case .invite(let machine): machine.isTerminated
    case .other(let machine): machine.isTerminated
    }
  }

  var isInvite: Bool { if case .invite = machine { true } else { false } }

  /// Waits for the user's final response.
  var isPending: Bool {
    switch machine {
    case .invite(let machine): machine.isPending
    case .other(let machine): machine.isPending
    }
  }

  var deadline: Instant? {
    let own =
      switch machine {
      case .invite(let machine): machine.deadline
      case .other(let machine): machine.deadline
      }
    return earliest(own, provisionals?.machine.deadline)
  }

  /// What a turn of the machine leaves to be done.
  struct Turned {
    /// To be sent, over the flow of the request; nil for nothing.
    let bytes: [UInt8]?
    let flow: Flow
    let isTerminated: Bool
    /// When to look after the transaction, if that has to be queued.
    let due: Instant?
  }

  /// Turns the machine.
  mutating func turn(_ input: Input, at now: Instant) -> Turned {
    var bytes: [UInt8]?
    switch handle(input, at: now) {
    case .sendResponse: bytes = latest
    case .sendTrying:
      guard let request else { break }
      var builder = MessageBuilder(
        responseTo: request, 100, source: flow.remote, toTag: nil)
      builder.copy(.timestamp, from: request)
      latest = builder.finish()
      bytes = latest
    case nil: break
    }
    let isTerminated = isTerminated
    return Turned(
      bytes: bytes, flow: flow, isTerminated: isTerminated,
      due: isTerminated ? nil : claimDeadline())
  }

  /// Turns the machine by a response of the user, which is kept to be repeated.
  mutating func respond(
    _ status: StatusCode, _ bytes: [UInt8], tag: [UInt8]?, dialog: DialogID?, at now: Instant
  ) -> Turned {
    latest = bytes
    if let tag { localTag = tag }
    self.dialog = dialog
    if status.isFinal, provisionals != nil {
      provisionals?.machine.stop()
      provisionals?.waiting = []
    }
    defer { if status.isFinal { request = nil } }
    return turn(.respond(status), at: now)
  }

  /// Turns the machine and says what to send, if anything.
  mutating func handle(_ input: Input, at now: Instant) -> Effect? {
    switch machine {
    case .invite(var invite):
      var effects: [InviteServerTransaction.Effect] = []
      invite.handle(input.forInvite, at: now, into: &effects)
      machine = .invite(invite)
      switch effects.first {
      case .sendResponse: return .sendResponse
      case .sendTrying: return .sendTrying
      case .timeOut, nil: return nil
      }
    case .other(var other):
      guard let input = input.forOthers else { return nil }
      var effects: [NonInviteServerTransaction.Effect] = []
      other.handle(input, at: now, into: &effects)
      machine = .other(other)
      return effects.isEmpty ? nil : .sendResponse
    }
  }
}

extension ServerTransaction.Input {
  fileprivate var forInvite: InviteServerTransaction.Input {
    switch self {
    case .requestAgain: .requestAgain
    case .respond(let status):
      status.isProvisional
        ? .respondProvisional : status.isSuccess ? .respondSuccess : .respondFailure
    case .acknowledged: .acknowledged
    case .transportFailed: .transportFailed
    case .deadline: .deadline
    }
  }

  fileprivate var forOthers: NonInviteServerTransaction.Input? {
    switch self {
    case .requestAgain: .requestAgain
    case .respond(let status): status.isProvisional ? .respondProvisional : .respondFinal
    case .acknowledged: nil
    case .transportFailed: .transportFailed
    case .deadline: .deadline
    }
  }
}

/// The reliable provisional responses of one INVITE: one waits for its PRACK, others for their turn.
struct ProvisionalQueue: Sendable {
  var machine: ReliableProvisional
  /// The waiting one, to repeat it.
  var latest: [UInt8] = []
  /// The waiting one carries a session description.
  var hasBody = false
  var waiting: [ResponseDraft] = []
}

/// The earlier one of two moments that may be missing.
func earliest(_ left: Instant?, _ right: Instant?) -> Instant? {
  guard let left, let right else { return left ?? right }
  return min(left, right)
}
