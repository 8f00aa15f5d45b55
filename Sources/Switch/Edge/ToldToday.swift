/// Who was told of today already; of one day only, so bounded by the accounts or phones there are.
struct ToldToday<Subject: Hashable & Sendable>: Sendable {
  private var day: Int64 = 0
  private var subjects: Set<Subject> = []

  /// Notes it; false if it was noted on that day.
  mutating func insert(_ subject: Subject, on day: Int64) -> Bool {
    if day != self.day { (self.day, subjects) = (day, []) }
    return subjects.insert(subject).inserted
  }
}
