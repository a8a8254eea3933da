/// A day of the Gregorian calendar, extended to the years before it, from 0000 to 9999.
struct CivilDate: Equatable, Sendable {
    let year: Int
    /// 1...12.
    let month: Int
    /// 1...31.
    let day: Int
    let daysSince1970: Int64

    private static let daysOf400Years = 146_097
    /// From 0000-03-01 to 1970-01-01. Years that begin in March have the leap day at their end.
    private static let epoch = 719_468
    /// Days before each month of a year that begins in March.
    private static let daysBefore = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337]

    /// Nil for a date that does not exist.
    init?(year: Int, month: Int, day: Int) {
        guard (0...9999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        guard day <= Self.days(ofMonth: month, in: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
        // 400 years more keep January and February of the year 0 from being negative.
        let marchYear = (month > 2 ? year : year - 1) + 400
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        let days = marchYear * 365 + leapDays + Self.daysBefore[(month + 9) % 12] + day - 1
        daysSince1970 = Int64(days - Self.daysOf400Years - Self.epoch)
    }

    /// `daysSince1970` is one of `Moment.secondsRange`.
    init(daysSince1970: Int64) {
        self.daysSince1970 = daysSince1970
        let days = Int(daysSince1970) + Self.epoch + Self.daysOf400Years
        let dayOfEra = days % Self.daysOf400Years
        // The last day of 4 and of 400 years is the additional one, so it must not begin another year.
        let century = min(dayOfEra / 36_524, 3)
        let dayOfCentury = dayOfEra - century * 36_524
        let cycle = dayOfCentury / 1461
        let dayOfCycle = dayOfCentury - cycle * 1461
        let yearOfCycle = min(dayOfCycle / 365, 3)
        let dayOfYear = dayOfCycle - yearOfCycle * 365
        let marchMonth = Self.daysBefore.lastIndex { $0 <= dayOfYear } ?? 0
        let marchYear = days / Self.daysOf400Years * 400 + century * 100 + cycle * 4 + yearOfCycle - 400
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = month > 2 ? marchYear : marchYear + 1
        day = dayOfYear - Self.daysBefore[marchMonth] + 1
    }

    private static func days(ofMonth month: Int, in year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }
}
