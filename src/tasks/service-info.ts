/** What the server says of itself: GA4GH service-info 1.0.0 with the additions of TES 1.1, and the older form. */
import type { components } from '../generated/tes.ts';

export type WireServiceInfo = components['schemas']['tesServiceInfo'];

export interface ServiceInfoOptions {
  readonly id: string;
  readonly name: string;
  readonly organization: { readonly name: string; readonly url: string };
  /** Version of this product. */
  readonly version: string;
  readonly description?: string;
  readonly contactUrl?: string;
  readonly documentationUrl?: string;
  readonly environment?: string;
  /** RFC 3339; must not change while the service does not (T6). */
  readonly createdAt?: string;
  readonly updatedAt?: string;
  /** URLs below which tasks may read or write, such as `file:///data` (C14). */
  readonly storage: readonly string[];
  /** Keys of `resources.backend_parameters`. */
  readonly backendParameters: readonly string[];
}

/** T3: the version is that of the API. */
const TYPE = { group: 'org.ga4gh', artifact: 'tes', version: '1.1.0' } as const;

/** T1-T8: only keys of the schema. */
export const renderServiceInfo = (options: ServiceInfoOptions): WireServiceInfo => {
  const { storage, backendParameters, ...service } = options;
  return {
    ...service,
    type: TYPE,
    storage,
    tesResources_backend_parameters: backendParameters,
  };
};

/** C3: the form of TES 0.x, which py-tes 0.4.2 and Toil ask for first. */
export const renderLegacyServiceInfo = ({ name, description, storage }: ServiceInfoOptions) => ({
  name,
  doc: description ?? '',
  storage,
});
