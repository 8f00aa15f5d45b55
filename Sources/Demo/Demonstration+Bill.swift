import Foundation

extension Demonstration {
  /// The carrier's bill beside the limit, what it would have been, and which promises were kept.
  func settle(_ theft: Theft) throws -> DemoReport {
    try town.order("carrier", .bill)
    try town.wait(for: "the carrier's bill", seconds: 5) { $0.bill != nil }
    let bill = town.seen.bill ?? CarrierBill(lines: [])
    let stolen = bill.lines.filter { $0.number.hasPrefix(Plot.price.prefix) }
    let standing = try town.standing(of: Plot.stolen)
    tellBill(bill)
    tellSums(bill, spent: standing.spent, theft)
    promise("the carrier's bill is within the limit", bill.cents <= Plot.limitCents)
    promise("the server knew of every cent of the bill", bill.cents <= standing.spent)
    promise("spent and reserved were never above the limit", theft.mostCommitted <= Plot.limitCents)
    promise("no call is left at the carrier", bill.lines.allSatisfy { !$0.isUp })
    tellPromises()
    return DemoReport(
      limit: DemoReport.units(Plot.limitCents), spent: DemoReport.units(standing.spent),
      carrierBill: DemoReport.units(bill.cents),
      otherwise: DemoReport.units(Plot.otherwiseCents),
      alertMilliseconds: theft.alertMilliseconds ?? -1, callsAttempted: Plot.calls,
      callsAdmitted: stolen.count)
  }

  private func tellBill(_ bill: CarrierBill) {
    narrator.title("4. The bill")
    narrator.say("  What the carrier asks for, by its own clock and prices:")
    narrator.say()
    for line in bill.lines {
      let seconds = String(format: "%.2f s", Double(line.talkMilliseconds) / 1000)
      let price = line.cents == 0 ? "free" : Plot.euros(line.cents)
      narrator.say(
        "    " + line.number.padding(toLength: 16, withPad: " ", startingAt: 0)
          + Self.right(seconds, 10) + Self.right(price, 14))
    }
  }

  private func tellSums(_ bill: CarrierBill, spent: Int, _ theft: Theft) {
    let minutes = Plot.otherwiseMinutes
    let each = Plot.price.cents(forMilliseconds: Int64(minutes) * 60_000)
    let rows = [
      ("limit of a day", Plot.euros(Plot.limitCents)),
      ("spent, says the server", Plot.euros(spent)),
      ("asked for by the carrier", Plot.euros(bill.cents)),
      ("without the limit", Plot.euros(Plot.otherwiseCents)),
    ]
    narrator.say()
    for (name, value) in rows {
      narrator.say(
        "    " + name.padding(toLength: 26, withPad: " ", startingAt: 0) + Self.right(value, 14),
        .bold)
    }
    narrator.say()
    narrator.say(
      """
        "Without the limit": a system that counts calls when they have ended sees nothing while they are up. All
        \(Plot.calls) calls go out; had the thief kept them for an hour, each would have cost \(Plot.amount(Plot.price.connectionCents)) + \(minutes) x \(Plot.amount(Plot.price.centsPerMinute)) = \(Plot.euros(each)).
      """)
    if let delay = theft.alertMilliseconds {
      narrator.say("  The mail was there \(delay) ms after the block. All that the owner got:")
    }
    narrator.say()
    for (at, letter) in town.seen.letters {
      let moment = String(format: "+%.2f s", Double(at - theft.startedAt) / 1000)
      narrator.say("    \(Self.right(moment, 9))  \(letter.subject)")
    }
  }

  private func tellPromises() {
    narrator.title("Promises")
    for promise in promises {
      narrator.say(
        "  \(promise.isKept ? "kept  " : "BROKEN")  \(promise.words)",
        promise.isKept ? .green : .red)
    }
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
