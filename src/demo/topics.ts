/** The words that the demo's members write: what they post about, and how others answer. */

export interface Topic {
  readonly titles: readonly string[];
  readonly sentences: readonly string[];
}

export const TOPICS: readonly Topic[] = [
  {
    titles: [
      'My sourdough finally rises', 'Rye bread without a mixer', 'What a banneton changed for me',
      'Baking on a stone in a small oven', 'A starter that survives holidays',
    ],
    sentences: [
      'The dough rested in the fridge for eighteen hours, and the crumb came out far more open.',
      'I stopped weighing the starter and began to watch it instead.',
      'With ten percent rye the crust keeps for days without turning leathery.',
      'Steam matters most in the first twelve minutes; after that I open the door for a moment.',
      'A cast-iron pot does more for the oven spring than any new flour I have bought.',
      'The second loaf went to the neighbours, which is the best quality control I know.',
    ],
  },
  {
    titles: [
      'Three days along the river by bike', 'Tubeless after a year',
      'A commute worth getting up for',
      'Packing light for a weekend ride', 'Why I sold the carbon bike',
    ],
    sentences: [
      'We covered 210 kilometres with two flats and one very patient ferryman.',
      'Wider tyres at lower pressure are simply faster on the gravel behind our village.',
      'The trick with panniers is to leave a quarter of them empty on the way out.',
      'Dynamo lights have spared me every forgotten battery this winter.',
      'The headwind on the second day taught me to enjoy the small gears.',
      'A steel frame weighs a kilo more and complains a good deal less.',
    ],
  },
  {
    titles: [
      'Tomatoes on a north-facing balcony', 'Compost in ten weeks', 'Saving seeds from last year',
      'The hedgehog under the woodpile', 'When to prune an old apple tree',
    ],
    sentences: [
      'Cherry varieties ripen even with four hours of sun; the large ones never did.',
      'Mulching with grass clippings halved the watering in July.',
      'I cut one third of the old wood and left the rest for next winter.',
      'Slugs avoid the copper band, at least until it tarnishes.',
      'The compost gets warm once there is as much brown as green in it.',
      'A dish of water on the ground brought more birds than any feeder.',
    ],
  },
  {
    titles: [
      'An index that made things slower', 'Reading query plans over coffee',
      'Our first zero-downtime migration', 'Advisory locks are underrated',
      'What we learnt from a full disk',
    ],
    sentences: [
      'The planner was right: for forty rows a sequential scan beats everything.',
      'We add the column first, fill it in batches, and make it mandatory a week later.',
      'Half of our slow queries were one missing statistic on a skewed column.',
      'Vacuum was blocked for nine days by a session that somebody left open in a terminal.',
      'A lock that is tied to the transaction cannot be forgotten.',
      'Since then an alarm goes off at seventy percent, and nobody has missed it yet.',
    ],
  },
  {
    titles: [
      'Cache invalidation, one year on', 'The bug that only stale data showed',
      'Why our reads carry a position', 'Measuring what users really see',
    ],
    sentences: [
      'Short lifetimes hid the problem for months and never solved it.',
      'Two reads raced with one write, and the older answer won.',
      'We now note where the read began, and refuse to keep it when something changed since.',
      'A hit rate says nothing about whether the hits were right.',
      'The fix was forty lines; the test that proves it took a week.',
      'Purging by what an answer is made of is easier to explain than guessing a lifetime.',
    ],
  },
  {
    titles: [
      'Kingfisher at the mill pond', 'Beginner binoculars compared',
      'Counting swifts in the old town',
      'A recording of the dawn chorus', 'Feeding birds through the winter',
    ],
    sentences: [
      'It sat on the same branch for eleven minutes and caught two fish.',
      'Eight-power glasses are steadier in my hands than the ten I had before.',
      'We counted 64 nests this year, nine more than last summer.',
      'Start before the first light; the blackbird is always earlier than the forecast.',
      'Sunflower hearts leave no husks, which the neighbours appreciate.',
      'The hide is empty on weekday mornings, and the coffee there is decent.',
    ],
  },
  {
    titles: [
      'Hand-cut dovetails for the impatient', 'A bench from reclaimed oak',
      'Sharpening without a jig', 'Oil or wax for kitchen boards',
    ],
    sentences: [
      'Mark with a knife, not with a pencil, and the saw finds its own way.',
      'The boards came from a barn and had more nails in them than wood.',
      'I sharpen for two minutes at the start of every session and never for an hour again.',
      'Three thin coats, a day apart, and the surface shrugs off beetroot.',
      'The first drawer fits like a glove; we do not speak of the second.',
      'Winding sticks showed a twist that I had blamed on the floor.',
    ],
  },
  {
    titles: [
      'Filter coffee at altitude', 'Grinding finer is not the answer',
      'A moka pot without bitterness',
      'Water makes the cup', 'Roasting in a popcorn machine',
    ],
    sentences: [
      'Water boils at 93 degrees in the hut, and the brew was better for it.',
      'A coarser grind and a longer bloom rescued the beans I had given up on.',
      'Take the pot off the heat when it starts to hiss, and cool the base under the tap.',
      'Half tap water and half filtered brought the sweetness back.',
      'The first crack came after six minutes, the smoke alarm after seven.',
      'I write down the ratio each morning; the notebook knows me better than I do.',
    ],
  },
  {
    titles: [
      'Night train to the mountains', 'The ridge path in early snow', 'Sleeping under a tarp',
      'Boots or trail shoes', 'A map that was thirty years old',
    ],
    sentences: [
      'We left at ten in the evening and had breakfast at the foot of the glacier.',
      'Above two thousand metres the path was gone, but the cairns were not.',
      'A tarp pitched low keeps out everything except the curious cows.',
      'Light shoes dry while you walk; boots stay wet until Thursday.',
      'The bridge on the map had been replaced by two good jumps.',
      'Turn around at two, whatever the summit says: that rule has served us well.',
    ],
  },
  {
    titles: [
      'Film in the age of phones', 'One lens for a whole year', 'Portraits by window light',
      'Scanning negatives at home', 'What I delete and why',
    ],
    sentences: [
      'Thirty-six frames make me look for longer before I press the button.',
      'With a fixed lens I move my feet, and the pictures became calmer.',
      'A white bedsheet across the room is the best reflector I own.',
      'Dust is the real subject of every scan until you buy a blower.',
      'I keep one picture of each situation, and have not missed the others.',
      'The camera meter trusts the snow too much: add one stop and a half.',
    ],
  },
  {
    titles: [
      'Losing well at chess', 'The rook endgame I keep misplaying', 'Club night for beginners',
      'Blitz is bad for me',
    ],
    sentences: [
      'I went through the game without an engine first, and found the mistake on my own.',
      'Put the rook behind the pawn; I know it, and still put it in front.',
      'Seven newcomers came on Tuesday, and the youngest beat our treasurer.',
      'A slow game a week taught me more than a hundred quick ones.',
      'My opponent offered a draw in a lost position, and I was polite enough to decline.',
      'We play on wooden boards because the sound is half of the pleasure.',
    ],
  },
  {
    titles: [
      'A home server that uses six watts', 'Labelling every cable', 'Backups that I have restored',
      'IPv6 at home, finally',
    ],
    sentences: [
      'The old laptop board does the work of the tower and can be heard by nobody.',
      'I restore one random folder on the first of each month, and time it.',
      'Two copies on two media, one of them at my sister\'s place.',
      'The label printer has saved more evenings than any piece of software.',
      'The router needed one checkbox and three hours to find it.',
      'Everything that must survive a power cut is now on one socket.',
    ],
  },
];

export const REMARKS: readonly string[] = [
  'This is exactly what I needed to read today, thank you.',
  'I tried the same last year and came to the opposite conclusion.',
  'How long did it take you, all in all?',
  'Do you have a picture of the result?',
  'The second point is the one that people underestimate.',
  'We do it almost the same way here, only with less patience.',
  'Bookmarked. I will report back after the weekend.',
  'My father swore by this, and I never believed him.',
  'Is there a cheaper way to begin with?',
  'I would add one thing: write down what you did, you will forget it.',
  'That made me laugh, and then it made me think.',
  'Would this still work in a much smaller space?',
  'I had to read it twice, but now it makes sense.',
  'Please write more about the part that went wrong.',
  'It took me three attempts, so do not give up after the first.',
  'Our club has been arguing about this for years.',
  'Careful with that in damp weather, speaking from experience.',
  'Where did you learn this?',
  'I disagree about the cost, but the rest is spot on.',
  'Sent this to my brother, who needs it more than I do.',
  'The numbers surprised me. Did you measure more than once?',
  'Lovely. The neighbours of mine would never accept such a gift, sadly.',
  'A year later: do you still do it this way?',
  'Good timing, I was about to buy the wrong one.',
];

export const GIVEN_NAMES: readonly string[] = [
  'Ada', 'Amir', 'Anouk', 'Beatriz', 'Bojan', 'Carla', 'Chidi', 'Dagny', 'Diego', 'Elif', 'Emeka',
  'Farah', 'Felix', 'Greta', 'Hana', 'Henrik', 'Ines', 'Ivo', 'Jonas', 'Kaito', 'Katya', 'Lars',
  'Leila', 'Linh', 'Luca', 'Mai', 'Marta', 'Mateo', 'Mina', 'Nadia', 'Nils', 'Noor', 'Olga', 'Omar',
  'Paula', 'Priya', 'Quentin', 'Rania', 'Rosa', 'Samir', 'Sanna', 'Tomas', 'Uma', 'Vera', 'Wanjiru',
  'Xenia', 'Yara', 'Yusuf', 'Zofia', 'Zeno',
];

export const FAMILY_NAMES: readonly string[] = [
  'Abara', 'Andersen', 'Aydin', 'Bakker', 'Bianchi', 'Castro', 'Dahl', 'Diallo', 'Eriksen',
  'Fischer', 'Fontaine', 'Gupta', 'Haddad', 'Hansen', 'Horvat', 'Ito', 'Jensen', 'Kaya', 'Keller',
  'Kimani', 'Kowalska', 'Lind', 'Lopez', 'Marin', 'Meyer', 'Moreau', 'Nakamura', 'Nguyen', 'Novak',
  'Okafor', 'Olsen', 'Park', 'Pereira', 'Petrov', 'Quist', 'Rao', 'Ricci', 'Rossi', 'Sato',
  'Schmidt', 'Silva', 'Sokolova', 'Svensson', 'Tanaka', 'Torres', 'Vogel', 'Weber', 'Yilmaz',
  'Zhang', 'Zimmer',
];

export const TRADES: readonly string[] = [
  'Carpenter', 'Nurse', 'Database administrator', 'Teacher', 'Baker', 'Bicycle mechanic',
  'Translator', 'Botanist', 'Retired engineer', 'Photographer', 'Cook', 'Student of geography',
  'Train driver', 'Librarian', 'Sound engineer',
];

export const TOWNS: readonly string[] = [
  'Aarhus', 'Bergen', 'Bologna', 'Brno', 'Coimbra', 'Freiburg', 'Ghent', 'Graz', 'Izmir', 'Kumasi',
  'Kyoto', 'Leeds', 'Ljubljana', 'Lyon', 'Nakuru', 'Pune', 'Rosario', 'Tartu', 'Turku', 'Valdivia',
];
