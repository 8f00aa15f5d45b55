import Elements
import Numbering

extension Compilation {
  /// Gives every extension its id, and refuses numbers that cannot be dialled.
  mutating func nameLines(_ context: inout TenantContext) {
    let path = context.path.key("extensions")
    for (index, entry) in context.entry.extensions.enumerated() {
      let path = path.item(index, entry.number).key("number")
      guard let digits = DigitString(entry.number), digits.isDigits,
        (2...8).contains(digits.count)
      else {
        report(path, "\"\(entry.number)\" is not two to eight digits")
        continue
      }
      if let obstacle = obstacle(to: digits, context.dialPlan) {
        report(path, "\(entry.number) cannot be an extension: \(obstacle)")
      } else if context.lines[entry.number] != nil {
        report(path, "there are two extensions \(entry.number); renumber one")
      } else {
        let id = identities.line(entry.number, of: context.id)
        context.lines[entry.number] = id
        indexes.lines[LineKey(tenant: context.id, digits: digits)] = id
      }
    }
  }

  private func obstacle(to digits: DigitString, _ plan: DialPlan) -> String? {
    if plan.isEmergency(digits) { return "it is an emergency number of \(plan.country.region)" }
    guard let outside = plan.outsideLine, digits.hasPrefix(outside) else { return nil }
    return "it begins with \(outside), which asks for an outside line"
  }

  mutating func compileLines(of tenant: Tenant, _ context: TenantContext) {
    let path = context.path.key("extensions")
    for (index, entry) in context.entry.extensions.enumerated() {
      let path = path.item(index, entry.number)
      guard let id = context.lines[entry.number], let digits = DigitString(entry.number) else {
        continue
      }
      checkValues(of: entry, context, at: path)
      var limits = entry.limits ?? context.entry.extensionLimits
      limits.basis = limits.basis ?? context.entry.limits.basis
      limits.habits =
        limits.habits ?? context.entry.limits.habits ?? document.platform.limits.habits
      let destinations = entry.destinations.map { context.destinations.overridden(by: $0) }
      extensions.append(
        Extension(
          id: id, tenant: tenant, digits: digits, entry: entry, limits: limits,
          destinations: destinations ?? context.destinations,
          devices: context.devicesByLine[entry.number] ?? [],
          callerID: callerID(of: entry, context, at: path.key("caller_id"))))
    }
  }

  private mutating func checkValues(
    of entry: ExtensionEntry, _ context: TenantContext, at path: FieldPath
  ) {
    if entry.name.utf8.count > 128 || entry.name.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
      report(path.key("name"), "a name has up to 128 characters that can be printed")
    }
    checkRange(entry.ringSeconds, 5...600, at: path.key("ring"))
    if let limits = entry.limits { check(limits, at: path.key("limits")) }
    if let destinations = entry.destinations { check(destinations, at: path.key("destinations")) }
    if let media = entry.media { check(media, at: path) }
    checkForwards(entry, context, at: path.key("forwards"))
  }

  private mutating func checkForwards(
    _ entry: ExtensionEntry, _ context: TenantContext, at path: FieldPath
  ) {
    let forwards = entry.forwards
    checkRange(forwards.noAnswerSeconds, 5...600, at: path.key("no_answer_after"))
    let targets = [
      (forwards.always, "always"), (forwards.busy, "busy"), (forwards.noAnswer, "no_answer"),
      (forwards.notRegistered, "not_registered"),
    ]
    for case (let target?, let key) in targets {
      if let problem = problem(withForward: target, of: entry, context) {
        report(path.key(key), "\"\(target)\" \(problem)")
      }
    }
  }

  private func problem(
    withForward target: String, of entry: ExtensionEntry, _ context: TenantContext
  ) -> String? {
    if target == entry.number { return "is the extension itself" }
    if context.lines[target] != nil { return nil }
    let bytes = Array(target.utf8)
    return switch context.dialPlan.resolve(bytes.span) {
    case .emergency: "is an emergency number; calls cannot be forwarded there"
    case .inside: "is neither an extension nor a number of the world"
    case .outside(let number):
      number.kind == .invalid ? "is in no numbering plan" : nil
    case .invalid(let error): "cannot be dialled: \(error)"
    }
  }
}
