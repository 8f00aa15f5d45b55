import Elements
import Numbering

/// What somebody dialled, in every country: it comes to one normal form, whichever way it is written.
///
/// The first byte chooses the country, the second the outside line.
struct NumberSubject: Subject {
  static let name = "number"
  static let mostBytes = 4096

  private let plans: [CountryPlan]
  private let lines: [DigitString?]

  init() throws {
    plans = CountryPlan.allRegions.compactMap { CountryPlan($0) }
    lines = [nil, DigitString("0"), DigitString("9"), nil]
  }

  private func plan(of input: [UInt8]) -> DialPlan {
    let (country, line) = (Int(input.first ?? 0), Int(input.dropFirst().first ?? 0))
    return DialPlan(country: plans[country % plans.count], outsideLine: lines[line % lines.count])
  }

  func work(_ input: [UInt8]) -> Dialling {
    plan(of: input).resolve(input.span.extracting(droppingFirst: min(2, input.count)))
  }

  func check(_ outcome: Dialling, of input: [UInt8]) {
    let plan = plan(of: input)
    switch outcome {
    case .invalid: break
    case .emergency(let digits):
      require(plan.isEmergency(digits), "a call for help goes to a number for it")
    case .inside(let digits, _): require(!digits.isEmpty, "an extension has digits")
    case .outside(let found): check(found, in: plan)
    }
    for format in NumberFormat.allCases {
      let text = input.span.extracting(droppingFirst: min(2, input.count))
      if let number = format.read(text, in: plan.country) { checkStrict(number) }
      if let number = format.readCaller(text, in: plan.country) { checkStrict(number) }
    }
  }

  private func checkStrict(_ number: PhoneNumber) {
    require(PhoneNumber(number.description) == number, "the strict form is read as it is written")
  }

  private func check(_ found: OutsideNumber, in plan: DialPlan) {
    checkStrict(found.number)
    require(found.kind != .emergency, "an emergency number is never rated")
    guard found.shortCode == nil else { return }
    require(found.kind == found.number.facts.kind, "the class is that of the number")
    // In no plan there is no rule for zeros in front, and no call goes out.
    guard found.kind != .invalid else { return }
    // The normal form, dialled with its plus sign, is the same number.
    let again = plan.resolve(Array(found.number.description.utf8).span)
    guard case .outside(let same) = again else {
      fatalError("found: \(found.number) is \(again) when dialled so")
    }
    require(same.number == found.number && same.kind == found.kind, "one number, one form")
    require(same.isInternational == found.isInternational, "one number, one country")
    // The other formats are held by NumberFormatTests: some countries' prefixes choose a carrier besides.
    for format in [NumberFormat.plus, .e164] {
      let written = format.write(found.number, in: plan.country)
      let read = format.read(written.span, in: plan.country)
      require(
        read == found.number, "\(found.number) as \(format) is \(read.map { "\($0)" } ?? "none")")
    }
  }
}
