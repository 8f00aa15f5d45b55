import Directory
import Elements
import Limits
import Numbering

/// Decides where calls go: a pure function of the rulebook and the request.
struct Router: Sendable {
  let rules: Rulebook
  /// Forwards that one call may take.
  let forwardLimit: Int
  /// Targets that may ring at once.
  let targetLimit: Int
  /// Rings an extension that says nothing itself.
  let ringTime: Duration

  private var directory: DirectorySnapshot { rules.directory }

  /// A call of one of our phones.
  struct Dialled: Sendable {
    var line: Extension
    /// The user part of the Request-URI, as dialled.
    var user: [UInt8]
    /// A number that the phone asks to show.
    var wanted: PhoneNumber?
    var asksPrivacy = false
    /// It calls for help by the name of the service (RFC 5031), without a number.
    var isEmergencyService = false
    /// Forwards that the call says it has behind it (Diversion, History-Info).
    var forwards = 0
    /// What it means, where that was asked already.
    var meaning: DirectorySnapshot.Dialled?

    var isEmergency: Bool { if case .emergency = meaning { true } else { false } }
  }

  func plan(_ dialled: Dialled, at wall: WallTime) throws(RouteRefusal) -> CallPlan {
    let line = dialled.line
    let meaning = dialled.meaning ?? meaning(of: dialled)
    if dialled.forwards > forwardLimit {
      // A call for help goes out, whatever it went through before.
      guard case .emergency = meaning else {
        throw RouteRefusal(.loop, "\(dialled.forwards) forwards behind it")
      }
    }
    var plan = CallPlan(
      direction: .internal, tenant: line.tenant.id, steps: [],
      normalised: String(decoding: dialled.user, as: UTF8.self), shown: identity(inside: line),
      forwards: dialled.forwards)
    var trail = Trail(forwards: dialled.forwards)
    switch meaning {
    case .emergency(let digits):
      plan.direction = .emergency
      (plan.normalised, plan.destinationClass) = ("\(digits)", DestinationClass.emergency.name)
      plan.country = "\(line.tenant.country.region)"
      let route = emergency(digits, from: line)
      plan.shown = route.shown
      plan.steps = [PlanStep(targets: [.emergency(route)], ringTime: nil)]
    case .line(let called):
      plan.normalised = "\(called.digits)"
      plan.steps = try steps(to: called, shown: plan.shown, trail: &trail, at: wall)
      plan.noteFirst()
    case .ownNumber(let inbound):
      plan.normalised = "\(inbound.number)"
      plan.steps = try steps(to: inbound, shown: plan.shown, trail: &trail, at: wall)
      plan.noteFirst()
    case .outside(let number, let verdict):
      var shown = identity(outside: line, wanted: dialled.wanted, presentation: number.presentation)
      if dialled.asksPrivacy, number.presentation != .shown { shown.isWithheld = true }
      let route = try route(to: number, verdict, payer: line, shown: shown, at: wall)
      plan.shown = shown
      plan.note(route)
      plan.steps = [PlanStep(targets: [.outside(route)], ringTime: nil)]
    case .unknown(let digits):
      throw RouteRefusal(.unknownNumber, "nobody has \(digits)")
    case .invalid(let error):
      throw RouteRefusal(.invalidNumber, "\(error)")
    }
    plan.forwards = trail.forwards
    return plan
  }

  /// What kind of call it was that goes nowhere.
  func direction(of dialled: Dialled) -> CallDetailRecord.Direction {
    switch dialled.meaning ?? meaning(of: dialled) {
    case .emergency: .emergency
    case .outside: .outbound
    case .line, .ownNumber, .unknown, .invalid: .internal
    }
  }

  func meaning(of dialled: Dialled) -> DirectorySnapshot.Dialled {
    guard dialled.isEmergencyService else {
      return directory.dial(dialled.user.span, from: dialled.line)
    }
    return dialled.line.tenant.dialPlan.mainEmergencyNumber.map { .emergency($0) }
      ?? .invalid(.empty)
  }

  /// A call that a trunk delivers.
  func plan(
    inbound number: PhoneNumber, caller: CallerIdentity, forwards: Int, at wall: WallTime
  ) throws(RouteRefusal) -> CallPlan {
    guard forwards <= forwardLimit else { throw RouteRefusal(.loop, "\(forwards) forwards") }
    guard let inbound = directory.inbound(number) else {
      throw RouteRefusal(.unknownNumber, "no tenant has this number")
    }
    let facts = number.facts
    var plan = CallPlan(
      direction: .inbound, tenant: inbound.tenant.id, steps: [], normalised: "\(number)",
      destinationClass: facts.kind.name, country: "\(facts.region)", shown: caller,
      forwards: forwards)
    var trail = Trail(forwards: forwards)
    plan.steps = try steps(to: inbound, shown: caller, trail: &trail, at: wall)
    plan.forwards = trail.forwards
    return plan
  }

  /// Whom a number of ours rings; a step that leads nowhere is passed over.
  private func steps(
    to inbound: InboundRoute, shown: CallerIdentity, trail: inout Trail, at wall: WallTime
  ) throws(RouteRefusal) -> [PlanStep] {
    try trail.enter(inbound.number)
    defer { trail.leave(inbound.number) }
    var steps: [PlanStep] = []
    var refusal: RouteRefusal?
    for step in inbound.steps {
      let before = trail.forwards
      do throws(RouteRefusal) {
        if let line = step.extensions.first, step.extensions.count == 1 {
          steps += try self.steps(
            to: line, shown: shown, trail: &trail, ringTime: step.duration, at: wall)
        } else {
          steps.append(try group(step, shown: shown, trail: &trail, at: wall))
        }
      } catch {
        // The other steps ring all the same, and may forward as often.
        refusal = refusal ?? error
        trail.forwards = before
      }
    }
    if steps.isEmpty, let refusal { throw refusal }
    return steps
  }

  /// Extensions that ring together: a member that sends all its calls elsewhere rings there and pays.
  ///
  /// Its other forwards are not followed, since the group goes on without it; a member whose forward
  /// leads nowhere, or to whom the group rings already, is passed over.
  private func group(
    _ step: RingStep, shown: CallerIdentity, trail: inout Trail, at wall: WallTime
  ) throws(RouteRefusal) -> PlanStep {
    var group = PlanStep(targets: [], ringTime: step.duration)
    group.isGroup = true
    var refusal: RouteRefusal?
    let (outer, before) = (trail, trail.forwards)
    var most = before
    trail.isInGroup = true
    for line in step.extensions where group.targets.count < targetLimit {
      trail.forwards = before
      do throws(RouteRefusal) {
        let reached = try steps(to: line, shown: shown, trail: &trail, at: wall)
        for target in reached.flatMap(\.targets)
        where group.targets.count < targetLimit && !group.has(target) {
          group.targets.append(target)
        }
        most = max(most, trail.forwards)
      } catch {
        refusal = refusal ?? error
      }
    }
    trail.endGroup(as: outer, forwards: most)
    if group.targets.isEmpty, let refusal { throw refusal }
    return group
  }

  // MARK: - Extensions and their forwards

  /// How an extension is reached: itself, or where it sends its calls.
  func steps(
    to line: Extension, shown: CallerIdentity, trail: inout Trail, ringTime: Duration? = nil,
    at wall: WallTime
  ) throws(RouteRefusal) -> [PlanStep] {
    guard let target = line.forwards.always else {
      let limit = ringTime ?? line.ringTime
      let own = line.forwards.noAnswer != nil ? min(limit, line.forwards.noAnswerAfter) : limit
      return [PlanStep(targets: [.extension(line.id)], ringTime: own)]
    }
    return try forward(
      to: target, by: line, because: "unconditional", shown: shown, trail: &trail, at: wall)
  }

  /// Where a forward leads; the extension that set it up pays (guard rule 7).
  ///
  /// `reason` is as Diversion has it (RFC 5806 §4).
  func forward(
    to target: [UInt8], by line: Extension, because reason: String, shown: CallerIdentity,
    trail: inout Trail, at wall: WallTime
  ) throws(RouteRefusal) -> [PlanStep] {
    try trail.follow(limit: forwardLimit)
    let forward = PlanStep.Forward(by: line.id, reason: reason)
    switch directory.dial(target.span, from: line) {
    case .line(let next):
      return try steps(to: next, shown: shown, trail: &trail, at: wall)
        .map { $0.behind(forward) }
    case .ownNumber(let inbound):
      return try steps(to: inbound, shown: shown, trail: &trail, at: wall)
        .map { $0.behind(forward) }
    case .outside(let number, let verdict):
      let mine = identity(outside: line, wanted: nil, presentation: .asConfigured)
      var route = try route(to: number, verdict, payer: line, shown: mine, at: wall)
      route.forward = forward
      return [PlanStep(targets: [.outside(route)], ringTime: nil)]
    case .emergency:
      throw RouteRefusal(.forbidden, "a forward may not lead to an emergency number")
    case .unknown(let digits): throw RouteRefusal(.unknownNumber, "nobody has \(digits)")
    case .invalid(let error): throw RouteRefusal(.invalidNumber, "\(error)")
    }
  }

  // MARK: - The outside

  private func route(
    to number: OutsideNumber, _ verdict: DestinationVerdict, payer: Extension,
    shown: CallerIdentity, at wall: WallTime
  ) throws(RouteRefusal) -> OutsideRoute {
    if case .deny(let refusal) = verdict { throw RouteRefusal(.forbidden, "\(refusal)") }
    let digits = number.number.digits.description
    let trunks = payer.tenant.trunks.compactMap { directory.trunk($0) }
    guard !trunks.isEmpty else { throw RouteRefusal(.trunkFailure, "the tenant has no trunk") }
    let candidates = trunks.map { trunk in
      TrunkCandidate(
        trunk: trunk.id, price: rules.price(digits, payer: payer, trunk: trunk, at: wall))
    }
    return OutsideRoute(
      number: number, account: payer.account, payer: payer.id, shown: shown,
      candidates: candidates)
  }

  private func emergency(_ digits: DigitString, from line: Extension) -> EmergencyRoute {
    // The answering point must be able to call back: the number is always shown.
    var shown = identity(outside: line, wanted: nil, presentation: .shown)
    shown.isWithheld = false
    return EmergencyRoute(
      digits: digits, shown: shown,
      trunks: line.tenant.emergencyTrunks.isEmpty
        ? line.tenant.trunks : line.tenant.emergencyTrunks)
  }

  // MARK: - Who is shown (A24, A25)

  private func identity(inside line: Extension) -> CallerIdentity {
    CallerIdentity(number: line.digits.description, name: line.name, isWithheld: false)
  }

  private func identity(
    outside line: Extension, wanted: PhoneNumber?, presentation: Presentation
  ) -> CallerIdentity {
    let withheld =
      switch presentation {
      case .asConfigured: line.callerID.withhold
      case .withheld: true
      case .shown: false
      }
    let number = line.callerID.shown(for: wanted)
    return CallerIdentity(
      number: number?.description ?? "", name: "", isWithheld: withheld)
  }
}

extension CallPlan {
  /// A forward may lead outside at once.
  fileprivate mutating func noteFirst() {
    if case .outside(let route) = steps.first?.targets.first { note(route) }
  }

  mutating func note(_ route: OutsideRoute) {
    if direction == .internal { direction = .outbound }
    destinationClass = route.number.kind.name
    country = route.number.region.description
    normalised = route.number.number.description
  }
}
