import Directory
import Elements
import SDP
import SIP
import SIPSyntax

/// A call: the caller's leg, the legs that ring or talk for it, its media session and its money.
///
///     routing ──first leg rings──▶ ringing ──a leg answers──▶ talking
///        │                            │                          │ BYE, cut, silence, expiry, fault
///        └────── refused, given up ───┴──────────────────────────┴──▶ ending ──all legs over──▶ gone
struct Call: Sendable {
  enum Phase: String, Hashable, Sendable {
    case routing, ringing, talking, ending
  }

  let id: CallID
  var phase = Phase.routing
  var plan: CallPlan
  /// The step of the plan that rings; counts up.
  var step = 0
  /// Until when this step rings.
  var stepUntil: Instant?
  /// Until when the call may stay unanswered, and until when it may last.
  var unansweredUntil: Instant
  var lastUntil: Instant
  /// Set when the call is being ended: then nobody waits for answers any more.
  var endUntil: Instant?
  /// Leg 0 is the caller's; a leg stays in its place for good.
  var legs: [Leg]
  /// The leg that talks with the caller.
  var answered: Int?
  /// Every target that was rung so far; those of the current step begin at ``stepStart``.
  var branches: [Branch] = []
  var stepStart = 0
  /// Whose phones have sent it on with a 3xx.
  var redirectedBy: [ExtensionID] = []
  var media: CallMedia
  /// An offer and answer, or a refresh, that is under way; one at a time.
  var exchange: Exchange?
  var record: CallDetailRecord
  /// The best failure so far, for the final answer.
  var failure: LegFailure?
  /// What the INVITE of the caller said that each branch needs.
  var invitation: Invitation
  var deadlineAt: Instant?
  /// What the caller was last told before the answer.
  var lastRinging: UInt16?
  var lastEarly: SessionDescription?
  /// The 200 for the caller waits for ports that a late offer needs.
  var answerWaits = false

  init(
    plan: CallPlan, unansweredUntil: Instant, lastUntil: Instant, caller: Leg, media: CallMedia,
    record: CallDetailRecord, invitation: Invitation
  ) {
    (id, self.plan, self.media) = (record.call, plan, media)
    legs = []
    legs.reserveCapacity(2)
    legs.append(caller)
    (self.unansweredUntil, self.lastUntil) = (unansweredUntil, lastUntil)
    (self.record, self.invitation) = (record, invitation)
  }

  var caller: Leg {
    @inline(__always) get { legs[0] }
    @inline(__always) _modify { yield &legs[0] }
  }

  /// The targets that ring now.
  var currentBranches: ArraySlice<Branch> { branches[stepStart...] }

  /// A BYE of one of its legs was not confirmed by a carrier, once at least.
  var hasUnconfirmed = false

  /// Nothing is left of it but BYEs that its carriers do not confirm.
  var waitsForCarriers: Bool {
    phase == .ending && legs.allSatisfy { $0.isOver || $0.unconfirmed != nil }
  }

  /// The other side of the conversation.
  func peer(of leg: Int) -> Int? { leg == 0 ? answered : (leg == answered ? 0 : nil) }

  /// The other side, which before the answer is the caller or the only one that rings.
  func counterpart(of leg: Int) -> Int? {
    if answered != nil || phase == .ending { return peer(of: leg) }
    if leg != 0 { return legs[leg].state == .ringing ? 0 : nil }
    var ringing: Int?
    for index in legs.indices.dropFirst() where legs[index].isAlive {
      guard ringing == nil, legs[index].state == .ringing else { return nil }
      ringing = index
    }
    return ringing
  }

  /// Whether a later offer than that of its INVITE was made to a leg or by it, in whichever fork.
  func hasNewOffer(_ leg: Int) -> Bool {
    legs[leg].newOffer != nil || exchange.map { $0.called == leg } ?? false
  }
}

/// One target of the step that rings, and how far it is.
struct Branch: Sendable {
  let target: PlanTarget
  /// The legs that serve it: each phone of an extension, or the trunk that is tried.
  var legs: [Int] = []
  /// Trunks that remain to be tried.
  var candidates: [TrunkCandidate] = []
  var emergencyTrunks: [TrunkID] = []
  /// The hold of an attempt that failed for certain: the next attempt takes it over.
  var keptHold: PaidLeg?
  /// The failure so far that says most, while further trunks are tried.
  var lastFailure: LegFailure?
  /// Set when it failed for good.
  var failure: LegFailure?
}

/// What of the caller's INVITE every leg of the call needs.
struct Invitation: Sendable {
  /// Or what came in place of it before the answer.
  var offer: SessionDescription?
  /// What is left to the caller's request: each of our INVITEs gets a hop less, and its part of the breadth.
  var budget: HopBudget
  /// Header lines that pass: known to be safe and to mean something to the other side.
  var passing: [HeaderDraft]
  var supportsReliable: Bool
  /// Every provisional answer must be reliable (RFC 3262 §3).
  var requiresReliable: Bool
  /// Asked for with a SIPS URI: it reaches phones over TLS only (RFC 3261 §26.2.2, RFC 5630 §5.3).
  var isSecure: Bool
}

/// The media session of a call.
struct CallMedia: Sendable {
  enum State: Hashable, Sendable {
    case none, opening, open, closing, closed
  }

  let session: MediaSessionID
  var state = State.none
  /// What waits for ports.
  var until: Instant?
  /// The legs that hear each other.
  var bridged: Int?
}

/// An offer that one side made to the other in the running call, and where its answer is.
struct Exchange: Sendable {
  enum Kind: Hashable, Sendable {
    /// Passed from leg to leg.
    case passed(Method)
    /// Ours: a session refresh.
    case refresh
  }

  let kind: Kind
  let from: Int
  let to: Int
  /// The dialog with the called side that an offer is made in or to: before the answer one of several forks.
  var dialog: DialogID?
  /// The request to answer.
  var server: ServerTransactionID?
  /// The request that we sent.
  var client: ClientTransactionID?
  /// The request came without an offer: the answer will come in the ACK.
  var isLate = false
  /// Both legs' media before it, to go back to when it fails.
  var before: [Int: LegMedia] = [:]
  /// What was agreed about the session timer with the one who asked.
  var terms: SessionTimerTerms?
  /// The method of a refresh of ours.
  var method: Method?
  /// The request, or the answer to it, waits for ports.
  var waitsForPorts = false
  var waitsToAnswer = false
  /// The answer to a late offer comes with the ACK.
  var waitsForAcknowledgement = false
  /// Until when what we sent may be answered: an INVITE may ring.
  var until: Instant?
  /// Taken back, with its CANCEL under way: both legs are as before it.
  var isWithdrawn = false

  /// The leg of the called side.
  var called: Int { max(from, to) }

  /// Whether what we sent is an INVITE.
  var isInvite: Bool {
    switch kind {
    case .passed(let method): method == .invite
    case .refresh: method == .invite
    }
  }

  init(kind: Kind, from: Int, to: Int, server: ServerTransactionID? = nil) {
    (self.kind, self.from, self.to, self.server) = (kind, from, to, server)
  }
}
