import Elements
import Relay
import SDP
import SIP
import SIPSyntax

/// One half of a call: our dialog, or dialog to be, with one party.
///
///     preparing ──INVITE out──▶ inviting ──18x──▶ ringing ──2xx──▶ answered ──ACK──▶ talking
///     inviting, ringing ──we no longer want it──▶ cancelling ──final answer──▶ over
///     answered, talking ──we hang up──▶ ending ──answer to BYE──▶ over
///     any ──refused, failed, BYE of the peer──▶ over
///
/// The caller's leg begins at `inviting`: its INVITE came in.
struct Leg: Sendable {
  enum Party: Hashable, Sendable {
    case phone(ExtensionID)
    case trunk(TrunkID)

    var `extension`: ExtensionID? { if case .phone(let number) = self { number } else { nil } }
    var trunk: TrunkID? { if case .trunk(let trunk) = self { trunk } else { nil } }
  }

  /// An INVITE that has to be sent again with something more (401, 407, 422).
  struct Repetition: Sendable {
    let response: Message
    let headers: [HeaderDraft]
  }

  /// A later offer than that of its INVITE (RFC 3311 §5.1), which holds for one dialog alone.
  ///
  /// What the INVITE still gets for an answer there is old.
  struct NewOffer: Sendable {
    let dialog: DialogID
    /// What holds for any other fork.
    let before: LegMedia
  }

  enum State: Hashable, Sendable {
    /// Waits for its media ports and, where it costs money, for the journal.
    case preparing
    case inviting
    case ringing
    /// 2xx sent or received; the caller's ACK is outstanding.
    case answered
    case talking
    /// CANCEL is sent or waits for a provisional response.
    case cancelling
    /// BYE is sent.
    case ending
    case over
  }

  /// Its place in ``Call/legs`` and its number in the media session.
  let index: Int
  var party: Party
  private(set) var state: State
  /// The target among ``Call/branches`` that it serves; nil for the caller.
  let branch: Int?

  /// The INVITE that we got (caller) and have not answered finally.
  var serverInvite: ServerTransactionID?
  /// The INVITE that we sent.
  var clientInvite: ClientTransactionID?
  /// The BYE that we sent, or that waits for the ACK of our 2xx.
  var clientBye: ClientTransactionID?
  /// A carrier that has not confirmed it gets it again.
  var unconfirmed: UnconfirmedBye?
  /// Before its answer the one that rang last: each fork of an INVITE of ours has one of its own.
  var dialog: DialogID?
  var earlyDialogs: [DialogID] = []
  /// What each of them has said before a 2xx, which may say nothing more (RFC 3261 §13.2.1).
  var earlyAnswers: [DialogID: SessionDescription] = [:]
  /// When the first of them began.
  var rangAt: WallTime?
  /// Its media stayed away for long while the other side spoke.
  var wasUnheard = false
  /// What was agreed on in its early dialog after the answer to the offer of its INVITE.
  var newOffer: Boxed<NewOffer>?
  /// Where its signalling goes; for a trunk the hop is in the gate's keeping.
  var flow: Flow?
  var route: LegRoute?
  var userAgent = ""

  /// Money: nil where the leg costs nothing.
  var paid: PaidLeg?
  /// Until when a first answer must have come, else the next trunk is tried.
  var attemptUntil: Instant?
  /// Until when it must ring once it has been taken, where another trunk can take the call.
  var progressUntil: Instant?
  var heardProvisional = false
  /// The final answer that ended it, for the choice of the caller's answer.
  var failure: LegFailure?

  var media = LegMedia()
  var timer = SessionTimer()
  var timerPolicy: SessionTimerPolicy
  /// What was agreed with the caller, to be said in its 200.
  var terms: SessionTimerTerms?
  /// When to try a refresh again that could not be sent, or was refused.
  var refreshAt: Instant?
  /// It has taken an offer that was withdrawn: its next refresh brings it back to what was agreed on before.
  var mustReturn = false
  /// The response after which the INVITE is sent once more, and what is added then.
  var repetition: Repetition?
  var repetitions = 0
  /// For which realm.
  var realm: [UInt8]?
  /// Of its INVITE to a trunk: on disk before that leaves.
  var callID: [UInt8]?
  /// The Request-URI of its INVITE.
  var target: URI?
  /// Media in the clear is not allowed.
  var mustSecure = false
  var takesUpdate = false
  /// Its connection is gone.
  var isCutOff = false
  /// Whether the leg counts as a channel of its trunk.
  var holdsChannel = false
  /// How it was heard, as the relay told last.
  var quality: LegQuality?

  init(index: Int, party: Party, state: State, branch: Int?, timerPolicy: SessionTimerPolicy) {
    (self.index, self.party, self.state, self.branch) = (index, party, state, branch)
    self.timerPolicy = timerPolicy
  }

  /// A phone that has proven itself signals from there now, and its media may come from there too.
  ///
  /// - Returns: Whether it was elsewhere before. A trunk's media has an address of its own.
  mutating func follow(_ flow: Flow) -> Bool {
    guard party.trunk == nil, media.signallingSource != flow.remote.address else { return false }
    media.signallingSource = flow.remote.address
    return true
  }

  /// Whether a carrier that goes on with it bills us for it.
  var costsUntilConfirmed: Bool { paid.map { !$0.isSettled } ?? false }

  var isCaller: Bool { index == 0 }
  var isOver: Bool { state == .over }

  /// Whether it may still become, or is, part of the conversation.
  var isAlive: Bool {
    switch state {
    case .preparing, .inviting, .ringing, .answered, .talking: true
    case .cancelling, .ending, .over: false
    }
  }

  /// Whether a dialog is confirmed, so that it must be ended with BYE.
  var isConfirmed: Bool { state == .answered || state == .talking }
  /// Whether the INVITE under way answers a challenge; one that is repeated for another reason may be challenged anew.
  var hasAuthorised: Bool { repetition.map { !$0.headers.isEmpty } ?? false }
  /// Whether its INVITE waits for an answer, which may come although we have given it up.
  var isUnanswered: Bool { state == .inviting || state == .ringing || state == .cancelling }
  var isEarly: Bool { state == .preparing || state == .inviting || state == .ringing }
}

extension Leg {
  /// When something must be done about it; ``Elements/Instant/never`` for a leg that waits for nothing.
  ///
  /// Mutating only so that a leg is asked in its place: a copy would retain everything in it.
  mutating func nextDeadline() -> Instant {
    guard !isOver else { return .never }
    let attempt = min(attemptUntil ?? .never, unconfirmed?.next ?? .never)
    guard isConfirmed else { return attempt }
    // In twos: four at once go through an array.
    return min(
      min(attempt, paid?.deadline ?? .never), min(timer.deadline ?? .never, refreshAt ?? .never))
  }
}

// MARK: - Transitions

extension Leg {
  enum Step: Hashable, Sendable {
    case invited, repeated, rang, answered, acknowledged, cancelled, hungUp, ended
  }

  /// Takes a step; a step that makes no sense in this state is a contradiction of ours.
  ///
  /// - Throws: ``LegContradiction``; the owner poisons the call.
  mutating func take(_ step: Step) throws(LegContradiction) {
    guard let next = next(after: step) else {
      throw LegContradiction(leg: index, state: state, step: step)
    }
    state = next
  }

  /// Sets the state of a leg in a poisoned call, past the table.
  mutating func force(_ state: State) { self.state = state }

  private func next(after step: Step) -> State? {
    switch (state, step) {
    case (.preparing, .invited): .inviting
    case (.inviting, .repeated), (.ringing, .repeated): .preparing
    case (.inviting, .rang), (.ringing, .rang): .ringing
    case (.inviting, .answered), (.ringing, .answered), (.cancelling, .answered): .answered
    case (.answered, .acknowledged), (.talking, .acknowledged): .talking
    case (.inviting, .cancelled), (.ringing, .cancelled), (.cancelling, .cancelled): .cancelling
    case (.preparing, .cancelled): .over
    case (.answered, .hungUp), (.talking, .hungUp), (.ending, .hungUp): .ending
    case (_, .ended): .over
    case (.cancelling, .rang): .cancelling
    case (.ending, .acknowledged): .ending
    case (.preparing, .repeated), (.answered, .repeated), (.talking, .repeated),
      (.cancelling, .repeated), (.ending, .repeated), (.over, .repeated), (.preparing, .rang),
      (.preparing, .answered), (.preparing, .acknowledged),
      (.preparing, .hungUp), (.inviting, .invited), (.inviting, .acknowledged),
      (.inviting, .hungUp), (.ringing, .invited), (.ringing, .acknowledged), (.ringing, .hungUp),
      (.answered, .invited), (.answered, .rang), (.answered, .answered), (.answered, .cancelled),
      (.talking, .invited), (.talking, .rang), (.talking, .answered), (.talking, .cancelled),
      (.cancelling, .invited), (.cancelling, .acknowledged), (.cancelling, .hungUp),
      (.ending, .invited), (.ending, .rang), (.ending, .answered), (.ending, .cancelled),
      (.over, .invited), (.over, .rang), (.over, .answered), (.over, .acknowledged),
      (.over, .cancelled), (.over, .hungUp):
      nil
    }
  }
}

/// A step that the state of a leg does not allow: our bug, which ends that call and no other.
struct LegContradiction: Error, Hashable, CustomStringConvertible {
  let leg: Int
  let state: Leg.State
  let step: Leg.Step

  var description: String { "leg \(leg) is \(state) and cannot be \(step)" }
}

/// How one side ended before it was answered.
struct LegFailure: Hashable, Sendable {
  var status: UInt16
  var cause: HangupCause
  /// The Q.850 cause that the other side named in a Reason header field.
  var q850: UInt8?
  var retryAfterSeconds: UInt32?
  /// Phones are there, and none of them over TLS as the caller asked for.
  var lacksTLS = false
  /// We have decided so, and nobody else.
  private(set) var isOurs = false

  init(status: UInt16, cause: HangupCause, q850: UInt8? = nil, retryAfterSeconds: UInt32? = nil) {
    (self.status, self.cause, self.q850) = (status, cause, q850)
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// A failure of ours.
  init(_ cause: HangupCause) {
    self.init(status: cause.status, cause: cause)
    isOurs = true
  }

  /// Smaller is better to tell the caller (RFC 3261 §16.7 step 6, with the causes that say most first).
  var rank: Int {
    switch cause {
    case .declined where status >= 600: 0
    case .busy where status >= 600: 0
    case .busy: 1
    case .declined: 2
    case .limitReached, .unknownRate, .forbidden, .journalUnavailable: 3
    case .noChannel: 4
    case .noAnswer, .unansweredTooLong: 5
    case .incompatible: 6
    case .invalidNumber, .unknownNumber: 7
    case .notRegistered: 8
    case .loop: 9
    case .normal, .cancelled, .cutAtLimit, .trunkFailure, .failure, .mediaUnavailable,
      .mediaSilent, .sessionExpired, .unacknowledged, .draining, .operatorAction, .restart,
      .internalFault:
      10
    }
  }

  /// Whether another trunk may do better.
  var isOfTheTrunk: Bool {
    switch status {
    case 408, 500...599, 401, 403, 407: true
    case _: cause == .noChannel || cause == .trunkFailure
    }
  }
}

extension LegFailure {
  /// What a final answer says, its Reason included.
  init(_ message: Message, status: UInt16) {
    let q850 = (try? message.reasons())?.first(where: \.isQ850)?.cause.flatMap {
      UInt8(exactly: $0)
    }
    // How long somebody wants to be left alone (503) is for us to know; our callers would leave us alone.
    let retry = status == 503 ? nil : ((try? message.retryAfter()) ?? nil)?.seconds
    self.init(
      status: status, cause: HangupCause(status: status), q850: q850,
      retryAfterSeconds: retry.map { min($0, 3600) })
  }
}

extension Call {
  /// The legs as the record has them: the caller's, and each that was asked.
  ///
  /// Mutating, as ``Leg/nextDeadline()`` is.
  mutating func recordedLegs() -> [CallDetailRecord.Leg] {
    var recorded: [CallDetailRecord.Leg] = []
    recorded.reserveCapacity(legs.count)
    for index in legs.indices where legs[index].isCaller || legs[index].clientInvite != nil {
      var leg = legs[index].recorded(at: legs[index].isCaller ? .caller : .callee)
      leg.answered = index == answered
      recorded.append(leg)
    }
    return recorded
  }
}

extension Leg {
  /// The leg as its record has it; mutating, as ``nextDeadline()`` is.
  mutating func recorded(at side: CallDetailRecord.Party) -> CallDetailRecord.Leg {
    var record = CallDetailRecord.Leg(side: side)
    (record.extension, record.trunk) = (party.extension, party.trunk)
    if case .trunk(_, let hop) = route { record.address = hop.remote }
    record.address = record.address ?? flow?.remote
    record.userAgent = userAgent
    record.codecs = (isCaller ? media.sent : media.said)?.codecNames ?? []
    record.quality = quality?.audio.map { CallQuality($0) }
    record.unheard = wasUnheard
    return record
  }
}

extension CallQuality {
  init(_ stream: StreamQuality) {
    self.init(
      packetsReceived: stream.packetsReceived, packetsLost: stream.packetsLost,
      jitterMicroseconds: UInt32(clamping: stream.jitter.wholeNanoseconds / 1000),
      roundTripMicroseconds: UInt32(
        clamping: (stream.roundTrip?.wholeNanoseconds ?? 0) / 1000),
      meanOpinionMilli: UInt32(((stream.meanOpinionScore ?? 0) * 1000).rounded()))
  }
}
