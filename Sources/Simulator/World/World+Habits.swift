import Directory
import Elements
import Guard
import Numbering
import Switch

// In a third of all worlds the customers are no strangers: the switch knows what they usually do.

extension World {
  /// Whether this is such a world; by dice of its own, so that all else in it stays what it was.
  var hasHabits: Bool {
    var dice = SplitMix(seed: ~seed)
    return dice.chance(1, in: 3)
  }

  /// Puts two months of calls at home, all day long, into the journal that the first start reads.
  ///
  /// They were cheap: what is tolerated is little, or the limits would be there before the habits.
  func rememberHabits() throws {
    var town = town
    var book = HabitBook()
    let lines = try town.rulebook().directory.extensions
    let home = PaidCall.Destination(country: Region("ES")?.code ?? 0)
    let price: Int64 = 5_000
    for day in (1...60).reversed() {
      for hour in 0..<24 {
        for line in lines {
          let call = PaidCall(
            account: line.account, tenant: line.tenant.id,
            at: now.wall + .seconds(-day * 86_400 + hour * 3_600), zoneOffset: 0,
            destination: home, origin: .unknown, pricePerMinute: price, worth: 2 * price)
          book.take(.called(call, book.judge(call, limitPerDay: nil).oddity))
        }
      }
    }
    let batch = JournalBatch(sequence: 1, entries: book.checkpoint().map(JournalEntry.habit))
    var writer = ByteWriter()
    batch.encode(into: &writer)
    disk.remember(.batch(batch.sequence, writer.bytes))
  }
}
