import Elements
import Limits
import Numbering
import SIP
import SIPSyntax

/// What shall be done with a call, decided once when it comes in, by a pure function.
struct CallPlan: Sendable {
  var direction: CallDetailRecord.Direction
  var tenant: TenantID
  /// One after the other; the targets of one step at once.
  var steps: [PlanStep]
  /// Where the number led: "+34976111222", or the extension.
  var normalised: String
  var destinationClass = ""
  var country = ""
  /// What the called side sees.
  var shown: CallerIdentity
  /// Forwards that the call has behind it.
  var forwards = 0
}

/// What rings at the same time.
struct PlanStep: Sendable {
  var targets: [PlanTarget]
  /// Nil: until the caller gives up or the call has rung too long.
  var ringTime: Duration?
  /// It stands for several extensions: what one of them has set up for itself is not followed.
  var isGroup = false
  /// The last forward that led here.
  private(set) var forward: Forward?

  /// Whose forward it is, and why it was followed.
  struct Forward: Sendable {
    let by: ExtensionID
    let reason: String
  }

  /// The same step behind a forward; one nearer to it stays the last.
  func behind(_ forward: Forward) -> PlanStep {
    var step = self
    step.forward = self.forward ?? forward
    return step
  }

  init(targets: [PlanTarget], ringTime: Duration?) {
    (self.targets, self.ringTime) = (targets, ringTime)
  }

  /// Whether it rings that extension already, or that number for the same forward.
  func has(_ target: PlanTarget) -> Bool { targets.contains { $0.isSame(as: target) } }
}

enum PlanTarget: Sendable {
  case `extension`(ExtensionID)
  case outside(OutsideRoute)
  case emergency(EmergencyRoute)

  func isSame(as other: PlanTarget) -> Bool {
    switch (self, other) {
    case (.extension(let mine), .extension(let theirs)): mine == theirs
    case (.outside(let mine), .outside(let theirs)):
      mine.number.number == theirs.number.number && mine.forwardedBy == theirs.forwardedBy
    case (.extension, _), (.outside, _), (.emergency, _): false
    }
  }
}

/// A way to a number of the world: who pays, who is shown, and over which trunks.
struct OutsideRoute: Sendable {
  var number: OutsideNumber
  /// Who pays: the account that dialled, or that forwarded.
  var account: AccountID
  /// The extension that the account is of.
  var payer: ExtensionID
  var shown: CallerIdentity
  /// In order of preference.
  var candidates: [TrunkCandidate]
  /// Set when a forward leads here.
  var forward: PlanStep.Forward?

  /// The extension whose forward it is.
  var forwardedBy: ExtensionID? { forward?.by }
}

/// One trunk that may carry a call and what it would cost there; no price, no call.
struct TrunkCandidate: Hashable, Sendable {
  var trunk: TrunkID
  var price: Price?
}

/// The way of an emergency call; only the router makes one, from an emergency number.
struct EmergencyRoute: Sendable {
  let digits: DigitString
  let shown: CallerIdentity
  let trunks: [TrunkID]
}

/// Who a called party is told is calling.
struct CallerIdentity: Hashable, Sendable {
  /// The user part: "101" or "+34976111222"; empty when unknown.
  var number: String
  var name: String
  /// Told to those we trust only: `Privacy: id` and an anonymous From (RFC 3323, RFC 3325).
  var isWithheld: Bool

  static let unknown = CallerIdentity(number: "", name: "", isWithheld: false)

  /// Whether the called side sees nobody.
  var isAnonymous: Bool { isWithheld || number.isEmpty }
}

/// Why a call goes nowhere.
struct RouteRefusal: Error, Hashable {
  var cause: HangupCause
  /// For the operator's log, never for the wire.
  var detail: String
  /// What the caller is answered; nil: what the cause stands for.
  var status: StatusCode?
  /// What the answer says besides.
  var headers: [HeaderDraft]
  /// What the caller is told, where the cause says too little.
  var words: String?

  init(
    _ cause: HangupCause, _ detail: String, status: StatusCode? = nil, _ headers: HeaderDraft...
  ) {
    (self.cause, self.detail, self.status, self.headers) = (cause, detail, status, headers)
  }
}
