import Directory
import Yams

/// Reads an extension.
struct ExtensionReader {
  let devices: DeviceReader
  /// Limits of the tenant's extensions.
  let base: LimitEntry
  /// Numbers that devices of the tenant serve.
  let served: Set<String>

  func read(_ field: Field, _ secrets: inout SecretKeeper) -> ExtensionEntry? {
    guard let mapping = field.mapping(ConfigurationKeys.line),
      let number = mapping.required("number")?.text()
    else { return nil }
    var line = ExtensionEntry(number: number, name: mapping.text("name") ?? number)
    if mapping["limits"] != nil { line.limits = LimitReader(base: base).read(mapping["limits"]) }
    // One that sets nothing says what none says.
    if let entry = DestinationReader.read(mapping["destinations"]), entry != DestinationEntry() {
      line.destinations = entry
    }
    line.forwards = forwards(mapping["forwards"])
    if let callerID = mapping["caller_id"]?.mapping(ConfigurationKeys.lineCallerID) {
      line.callerID.number = callerID.text("number")
      line.callerID.withhold = callerID["withhold"]?.truth()
      line.callerID.allowed = callerID.texts("allowed")
    }
    line.ringSeconds = mapping.wholeNumber("ring") ?? line.ringSeconds
    line.media = MediaReader.read(mapping)
    line.devices = readDevices(of: number, mapping, &secrets)
    return line
  }

  /// Its own device, unless others are named for it, and those.
  private func readDevices(
    of number: String, _ mapping: Mapping, _ secrets: inout SecretKeeper
  ) -> [DeviceEntry] {
    var found: [DeviceEntry] = []
    let hasOwn = mapping["username"] != nil || mapping["password"] != nil
    if hasOwn || (mapping["devices"] == nil && !served.contains(number)) {
      let username = mapping.text("username") ?? number
      found.append(devices.device(username, mapping, [], &secrets))
    }
    for field in mapping["devices"]?.list(namedBy: "username", "name") ?? [] {
      if let device = devices.read(field, ConfigurationKeys.lineDevice, &secrets) {
        found.append(device)
      }
    }
    let sources = SourceReader.read(mapping)
    for index in found.indices { found[index].come(from: sources) }
    if found.isEmpty, let field = mapping["sources"] ?? mapping["source_countries"] {
      field.report(
        "the extension has no phone of its own; write this with the device that serves it")
    }
    return found
  }

  private func forwards(_ field: Field?) -> ForwardEntry {
    var forwards = ForwardEntry()
    guard let mapping = field?.mapping(ConfigurationKeys.forwards) else { return forwards }
    forwards.always = mapping.text("always")
    forwards.busy = mapping.text("busy")
    forwards.noAnswer = mapping.text("no_answer")
    forwards.noAnswerSeconds = mapping.wholeNumber("no_answer_after") ?? forwards.noAnswerSeconds
    forwards.notRegistered = mapping.text("not_registered")
    forwards.byPhone = mapping["by_phone"]?.truth() ?? false
    return forwards
  }
}

/// Reads a number and whom it rings.
enum NumberReader {
  private enum Order: String, CaseIterable {
    case together
    case inTurn = "in_turn"
  }

  private static let ringSeconds = 60

  static func read(_ field: Field) -> NumberEntry? {
    guard let mapping = field.mapping(ConfigurationKeys.number) else { return nil }
    guard let first = first(mapping) else { return nil }
    var number = NumberEntry(first: first, last: mapping.text("last"))
    number.lastDigits = mapping.wholeNumber("last_digits")
    if let to = mapping["to"] {
      if number.lastDigits != nil { to.report("to and last_digits exclude each other; keep one") }
      number.steps = steps(to, mapping)
    } else if number.lastDigits == nil {
      _ = mapping.required("to")
    }
    return number
  }

  private static func first(_ mapping: Mapping) -> String? {
    if let first = mapping["first"] {
      if let single = mapping["number"] {
        single.report("number and first exclude each other; a range has first and last")
      }
      _ = mapping.required("last")
      return first.text()
    }
    mapping["last"]?.report("a range has first and last")
    return mapping.required("number")?.text()
  }

  /// All together, or one step each; a mapping is a step with its own ring time.
  private static func steps(_ field: Field, _ mapping: Mapping) -> [RingStepEntry] {
    let seconds = mapping.wholeNumber("ring") ?? ringSeconds
    let inTurn = mapping["order"]?.word(Order.self) == .inTurn
    if case .scalar(let scalar) = field.node {
      return [RingStepEntry(extensions: [scalar.string], seconds: seconds)]
    }
    var steps: [RingStepEntry] = []
    var together: [String] = []
    for element in field.list() {
      if case .mapping = element.node {
        if let step = step(element, seconds) { steps.append(step) }
      } else if let number = element.text() {
        if inTurn {
          steps.append(RingStepEntry(extensions: [number], seconds: seconds))
        } else {
          together.append(number)
        }
      }
    }
    guard !together.isEmpty else { return steps }
    if !steps.isEmpty { field.report("list either extensions or steps, not both") }
    return [RingStepEntry(extensions: together, seconds: seconds)]
  }

  private static func step(_ field: Field, _ seconds: Int) -> RingStepEntry? {
    guard let mapping = field.mapping(ConfigurationKeys.step),
      let extensions = mapping.required("extensions")?.texts()
    else { return nil }
    return RingStepEntry(
      extensions: extensions, seconds: mapping.wholeNumber("ring") ?? seconds)
  }
}
